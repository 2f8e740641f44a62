import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import omniglot
from tfvae.errors import UserError


def make(folder, background=50, evaluation=6, **changed):
    """A file in which image i is all i, of the character i."""
    arrays = {}
    for name, count in (("background", background), ("evaluation", evaluation)):
        numbers = np.arange(count, dtype=np.int16)
        arrays[f"x_{name}"] = np.broadcast_to(numbers.astype(np.uint8)[:, None, None], (count, 28, 28))
        arrays[f"y_{name}"] = numbers
    np.savez_compressed(folder / "omniglot_28x28.npz", **arrays | changed)
    return str(folder)


def test_validation_is_drawn_from_the_background_set_by_its_own_seed(tmp_path):
    folder = make(tmp_path)
    corpus = omniglot.read(DataConfig(name="omniglot", dir=folder))
    assert [len(corpus.split(name)) for name in ("train", "valid", "test")] == [45, 5, 6]
    drawn = np.concatenate([corpus.train.lines, corpus.valid.lines])
    assert sorted(drawn.tolist()) == list(range(1, 51))
    for split in (corpus.train, corpus.valid):
        np.testing.assert_array_equal(split.lines, np.sort(split.lines))
        np.testing.assert_array_equal(split.items[:, 27, 27], split.lines - 1)
        np.testing.assert_array_equal(split.labels["character"], split.lines - 1)
    again = omniglot.read(DataConfig(name="omniglot", dir=folder))
    other = omniglot.read(DataConfig(name="omniglot", dir=folder, split_seed=1))
    third = omniglot.read(DataConfig(name="omniglot", dir=folder, valid_fraction=0.3))
    np.testing.assert_array_equal(again.valid.lines, corpus.valid.lines)
    assert not np.array_equal(other.valid.lines, corpus.valid.lines)
    assert len(third.valid) == 15


def test_characters_of_the_evaluation_set_are_numbered_on_from_those_of_the_background_set(tmp_path):
    corpus = omniglot.read(DataConfig(name="omniglot", dir=make(tmp_path)))
    names = corpus.label_names["character"]
    assert len(names) == len(set(names)) == 1623
    assert corpus.test.labels["character"].tolist() == [964, 965, 966, 967, 968, 969]
    assert (names[0], names[963], names[964], names[1622]) == ("background 0", "background 963", "evaluation 0", "evaluation 658")


def test_a_character_that_the_set_has_not_is_an_error(tmp_path):
    folder = make(tmp_path, y_evaluation=np.array([0, 1, 2, 3, 4, 659], np.int16))
    with pytest.raises(UserError, match=r"omniglot_28x28\.npz: y_evaluation: image 6 has the character 659, no number from 0 to 658"):
        omniglot.read(DataConfig(name="omniglot", dir=folder))


def test_without_the_file_the_message_says_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match=r"holds no omniglot_28x28\.npz; scripts/prepare_data\.py --corpus=omniglot says how"):
        omniglot.read(DataConfig(name="omniglot", dir=str(tmp_path)))


def test_the_real_corpus_has_20_drawings_of_every_character(data_dir):
    if not (data_dir / "omniglot").is_dir():
        pytest.skip(f"no {data_dir / 'omniglot'}")
    corpus = omniglot.read(DataConfig(name="omniglot", dir=str(data_dir / "omniglot")))
    splits = [corpus.train, corpus.valid, corpus.test]
    assert [len(split) for split in splits] == [17_352, 1_928, 13_180]
    assert np.bincount(np.concatenate([split.labels["character"] for split in splits])).tolist() == [20] * 1623
    assert all(0 < split.items.mean() / 255 < 0.15 for split in splits)  # paper is 0
