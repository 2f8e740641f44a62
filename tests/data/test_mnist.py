import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import mnist
from tfvae.errors import UserError


def make(folder, train=10_003, test=2, **changed):
    """A file in which image i is all i modulo 251, and so the digit i modulo 10."""
    arrays = {}
    for name, count in (("train", train), ("test", test)):
        numbers = np.arange(count)
        arrays[f"x_{name}"] = np.broadcast_to((numbers % 251).astype(np.uint8)[:, None, None], (count, 28, 28))
        arrays[f"y_{name}"] = (numbers % 10).astype(np.uint8)
    np.savez_compressed(folder / "mnist.npz", **arrays | changed)
    return DataConfig(name="mnist", dir=str(folder))


def test_the_last_10000_training_images_validate_whatever_the_seed(tmp_path):
    corpus = mnist.read(make(tmp_path))
    assert [len(corpus.split(name)) for name in ("train", "valid", "test")] == [3, 10_000, 2]
    assert corpus.train.lines.tolist() == [1, 2, 3] and corpus.valid.lines[[0, -1]].tolist() == [4, 10_003]
    assert corpus.valid.items[:, 0, 0].tolist() == [i % 251 for i in range(3, 10_003)]
    assert corpus.valid.labels["digit"].tolist() == [i % 10 for i in range(3, 10_003)]
    assert corpus.train.items.dtype == np.uint8 and corpus.train.items.shape == (3, 28, 28)
    again = mnist.read(DataConfig(name="mnist", dir=str(tmp_path), split_seed=1))
    np.testing.assert_array_equal(again.valid.lines, corpus.valid.lines)


def test_too_few_images_to_validate_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"mnist\.npz: x_train: 10,000 images, and the last 10,000 are for validation; fetch"):
        mnist.read(make(tmp_path, train=10_000))


def test_a_digit_above_9_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"mnist\.npz: y_test: image 2 has the digit 10, no number from 0 to 9; fetch"):
        mnist.read(make(tmp_path, y_test=np.array([0, 10], np.uint8)))


def test_without_the_file_the_message_says_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match=r"holds no mnist\.npz; fetch mnist\.npz \(scripts/prepare_data\.py --corpus=mnist"):
        mnist.read(DataConfig(name="mnist", dir=str(tmp_path)))


def test_the_real_corpus_has_its_published_counts(data_dir):
    if not (data_dir / "mnist").is_dir():
        pytest.skip(f"no {data_dir / 'mnist'}")
    corpus = mnist.read(DataConfig(name="mnist", dir=str(data_dir / "mnist")))
    assert [len(corpus.split(name)) for name in ("train", "valid", "test")] == [50_000, 10_000, 10_000]
    assert corpus.train.labels["digit"][:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(corpus.test.labels["digit"]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # Mean and deviation of the 60,000 training images as they are commonly quoted, 0.1307 and 0.3081.
    pixels = np.concatenate([corpus.train.items, corpus.valid.items]) / np.float32(255)
    assert pixels.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5) and pixels.std(dtype=np.float64) == pytest.approx(
        0.3081, abs=5e-5
    )
