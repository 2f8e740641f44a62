import numpy as np
import pytest
import tensorflow as tf

from tfvae.config import DataConfig
from tfvae.data.batching import evaluation_batches, training_batches
from tfvae.data.corpus import Corpus, Split
from tfvae.errors import UserError
from tfvae.modalities.grid import grid, write_png
from tfvae.modalities.pixels import Pixels

GREY = np.random.default_rng(0).integers(0, 256, [40, 6, 5]).astype(np.uint8)


def split(images=GREY):
    return Split(images, {"digit": np.arange(len(images), dtype=np.int32) % 3}, "made", np.arange(len(images)) + 1, "image")


def drawn(examples, index, epoch=None):
    return examples.batch(np.array(index), epoch)["image"].numpy()


def by_number(batches):
    return {int(i): image for batch in batches for i, image in zip(batch["index"], batch["image"].numpy(), strict=True)}


def test_a_pixel_is_drawn_by_seed_epoch_and_the_number_of_its_image_alone():
    pixels = Pixels(6, 5)
    examples = pixels.examples(split(), training=True, seed=3)
    np.testing.assert_array_equal(drawn(examples, [7, 2], 1)[1], drawn(examples, [2], 1)[0])
    np.testing.assert_array_equal(drawn(examples, [2], 1), drawn(pixels.examples(split(), training=True, seed=3), [2], 1))
    others = [drawn(examples, [2], 2), drawn(examples, [2]), drawn(pixels.examples(split(), training=True, seed=4), [2], 1)]
    assert all(not np.array_equal(drawn(examples, [2], 1), other) for other in others)
    same = np.repeat(GREY[:1], 2, axis=0)
    twice = drawn(pixels.examples(split(same)), [0, 1])
    assert not np.array_equal(twice[0], twice[1])


def test_intensities_are_probabilities():
    pixels = Pixels(1, 4)
    images = np.repeat(np.array([[[0, 64, 191, 255]]], np.uint8), 4000, axis=0)
    share = drawn(pixels.examples(split(images)), np.arange(4000)).mean(axis=0)[0]
    expected = np.array([0, 64, 191, 255]) / 255
    assert share[0] == 0 and share[3] == 1
    assert np.all(np.abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / 4000))


def test_a_threshold_draws_nothing():
    pixels = Pixels(1, 4, binarize="threshold")
    images = np.array([[[0, 127, 128, 255]]], np.uint8)
    np.testing.assert_array_equal(drawn(pixels.examples(split(images)), [0], 5)[0, 0], [0, 0, 1, 1])


def test_epochs_have_every_image_once_and_draw_it_anew():
    examples = Pixels(6, 5).examples(split(), training=True, seed=1)
    batches = list(training_batches(examples, 16, 1, epochs=2))
    index = np.concatenate([batch["index"].numpy() for batch in batches])
    np.testing.assert_array_equal(np.sort(index), np.repeat(np.arange(40), 2))
    later = list(training_batches(examples, 16, 1, first_epoch=1, epochs=2))
    for batch, expected in zip(later, batches[len(later) :], strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, batch, expected)
    first, second = by_number(batches[:3]), by_number(batches[3:])
    assert not np.array_equal(first[5], second[5])


def test_evaluation_shows_an_image_alike_in_any_batch():
    examples = Pixels(6, 5).examples(split())
    whole = by_number(evaluation_batches(examples, 7))
    for number in (0, 39):
        np.testing.assert_array_equal(whole[number], drawn(examples, [number])[0])


def test_what_is_learnt_is_saved_and_loaded(tmp_path):
    data = DataConfig(binarize="threshold", split_seed=4)
    pixels = Pixels.learn(Corpus("made", split(), split(), split()), data)
    assert pixels.shape == {"height": 6, "width": 5}
    pixels.save(tmp_path)
    loaded = Pixels.load(tmp_path, data)
    assert loaded.same(pixels) and not loaded.same(Pixels(5, 6))
    assert (loaded.binarize, loaded.seed) == ("threshold", 4)
    (tmp_path / "shape.json").write_text('{"height": 6}')
    with pytest.raises(UserError, match=r"shape\.json: does not hold the numbers height, width"):
        Pixels.load(tmp_path, data)
    with pytest.raises(UserError, match="cannot be read"):
        Pixels.load(tmp_path / "nowhere", data)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (GREY[:, :3], r"this is uint8 \[40, 3, 5\]"),
        (np.zeros([0, 6, 5], np.uint8), r"this is uint8 \[0, 6, 5\]"),
        (GREY.astype(int) * 2, "these are from 0 to 510"),
        (GREY.astype(float) / 255, "these have fractions: scale and round them first"),
        (GREY.astype(float) - 1, "these are from -1 to 254"),
        ([["a", "b"]], "this is <U1"),
        ([GREY[0], GREY[0][:3]], "of several shapes"),
        (np.full([1, 6, 5], np.nan), "these are from nan to nan"),
    ],
)
def test_what_are_no_such_images_is_said_in_a_line(images, message):
    with pytest.raises(UserError, match=message) as caught:
        list(Pixels(6, 5).batches(images, 4))
    assert "images must be an array of one image or more, [None, 6, 5], numbers from 0 to 255" in str(caught.value)


def test_an_exported_model_reads_a_row_whatever_its_neighbours():
    pixels = Pixels(6, 5)
    whole, alone = pixels.read(tf.constant(GREY[:3]))["image"], pixels.read(tf.constant(GREY[2:3]))["image"]
    np.testing.assert_array_equal(whole[2], alone[0])


def test_a_grid_has_every_image_in_its_place_and_comes_back_from_its_file(tmp_path):
    page = grid(GREY[:5], 3)
    assert page.shape == (2 * 8 + 2, 3 * 7 + 2)
    np.testing.assert_array_equal(page[10:16, 9:14], GREY[4])
    write_png(tmp_path / "grid.png", page, scale=2)
    import matplotlib.image

    pixels = np.round(matplotlib.image.imread(tmp_path / "grid.png")[..., 0] * 255).astype(np.uint8)
    np.testing.assert_array_equal(pixels[::2, ::2], page)
    assert list(tmp_path.iterdir()) == [tmp_path / "grid.png"]
