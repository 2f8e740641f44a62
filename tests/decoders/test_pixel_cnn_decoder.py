"""The golden file is of yoonkim/skip-vae @b1b6c1f, `CNNVAE._dec_forward`, and harvardnlp/sa-vae @e5187a2, `utils.log_bernoulli_loss`."""

import itertools
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae import stateless
from tfvae.decoders.pixel_cnn import PixelCNNDecoder
from tfvae.generation.decoding import Decoding

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
SEED = tf.constant([1, 2], tf.int32)
SWITCHES = list(itertools.product(("none", "first", "all"), (True, False)))


def decoder(height=5, width=4, **options):
    options = {"z_dim": 3, "filters": 6, "num_layers": 3, "seed": 1, "dtype": "float64", **options}
    layer = PixelCNNDecoder(height, width, **options)
    rng = np.random.default_rng(3)
    for weight in layer.weights:  # so that pixels matter to those after them
        weight.assign(2.5 * weight if "kernel" in weight.name else rng.normal(size=weight.shape) / 4)
    layer.output_kernel.assign(0.5 * layer.output_kernel)
    layer.output_bias.assign([0.0])
    return layer


def latent(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=shape))


def images(count, height=5, width=4):
    return tf.constant(np.random.default_rng(1).integers(0, 2, [count, height, width]), tf.float32)


def all_images(height, width):
    values = itertools.product((0.0, 1.0), repeat=height * width)
    return tf.constant(list(values), shape=[2 ** (height * width), height, width])


def load_torch(layer, weights):
    """Gives a decoder the weights of the official code.

    Its kernels are [outputs, inputs, height, width], inputs being an image's or a layer's maps and then planes of z; ours [height, width,
    inputs, outputs], maps and planes apart. Its planes of z are numbered map, row, column; ours row, column, map. With its skip, the last
    convolution reads one more plane, `z_linear`, through a weight; ours is that plane times that weight.

    Args:
      layer: a `PixelCNNDecoder`.
      weights: arrays under the official names, `dec_cnn.modules.0.v_conv.weight` and so on.
    """

    def planes_of(name, count):
        kernel = weights[f"{name}.weight"].reshape(count, layer.height, layer.width, layer.z_dim)
        bias = weights[f"{name}.bias"].reshape(count, layer.height, layer.width)
        return kernel.transpose(3, 1, 2, 0).reshape(layer.z_dim, -1), bias.transpose(1, 2, 0).ravel()

    names = {"vertical": "v_conv", "between": "vh_conv", "horizontal": "h_conv", "output": "h_conv_res", "residual": "h_res"}
    values = {}
    for number, convolution in enumerate(layer.convolutions):
        for ours, theirs in names.items():
            kernel = weights[f"dec_cnn.modules.{number}.{theirs}.weight"].transpose(2, 3, 1, 0)
            maps, planes = np.split(kernel, [kernel.shape[2] - convolution.plane_filters * (ours not in ("between", "output"))], axis=2)
            parts = {"kernel": maps, "plane_kernel": planes, "bias": weights[f"dec_cnn.modules.{number}.{theirs}.bias"]}
            values |= {f"layer_{number}/{ours}_{part}": value for part, value in parts.items()}
        if convolution.plane_filters:
            kernel, bias = planes_of(f"dec_cnn.z_linears.{number}", convolution.plane_filters)
            values |= {f"planes_{number}_kernel": kernel, f"planes_{number}_bias": bias}
    last = weights["dec_linear.weight"][:, :, 0, 0]
    values |= {"output_kernel": last[:, : layer.filters].T, "output_bias": weights["dec_linear.bias"]}
    if layer.z_to_output:
        kernel, bias = planes_of("z_linear", 1)
        values |= {"planes_output_kernel": kernel * last[0, -1], "planes_output_bias": bias * last[0, -1]}
    for weight in layer.weights:
        weight.assign(values[weight.path.removeprefix(f"{layer.name}/")])


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN / "skip_pixelcnn_0.npz"))


@pytest.fixture(scope="module")
def official(golden):
    layer = PixelCNNDecoder(28, 28, z_dim=2, filters=4, kernel_size=[5, 3, 3], num_layers=3, dtype="float64")
    load_torch(layer, {name.removeprefix("w/"): value for name, value in golden.items() if name.startswith("w/")})
    return layer


def test_probabilities_and_their_gradient_equal_the_official_code(golden, official):
    image, z = tf.constant(golden["image"][:, 0], tf.float64), tf.constant(golden["z"])
    with tf.GradientTape() as tape:
        tape.watch(z)
        log_prob = official.log_prob({"image": image}, z[tf.newaxis])[0]
    probability = tf.sigmoid(official.logits(image, z))
    assert golden["probability"].min() > 1e-5 and golden["probability"].max() < 1 - 1e-5  # where the official code clamps nothing
    np.testing.assert_allclose(probability, golden["probability"][:, 0], rtol=1e-9)
    np.testing.assert_allclose(log_prob, -golden["negative_log_likelihood"], rtol=1e-9)
    np.testing.assert_allclose(tape.gradient(log_prob, z), -golden["d_nll_d_z"], rtol=1e-9)


def test_a_pixel_depends_on_the_pixels_of_the_official_code(golden, official):
    image = tf.random.stateless_uniform([1, 28, 28], SEED, dtype=tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(image)
        logit = official.logits(image, tf.constant(golden["z"][:1]))[0, 13, 11]
    np.testing.assert_array_equal(tape.gradient(logit, image)[0] != 0, golden["depends_on_13_11"])


@pytest.mark.parametrize(("z_to_inputs", "z_to_output"), SWITCHES)
def test_a_pixel_depends_on_pixels_before_it_alone(z_to_inputs, z_to_output):
    layer = decoder(z_to_inputs=z_to_inputs, z_to_output=z_to_output, kernel_size=[5, 3, 3], latent_filters=2)
    image = latent(1, 5, 4)
    with tf.GradientTape() as tape:
        tape.watch(image)
        logits = layer.logits(image, latent(1, 3))
    depends = tf.reshape(tape.jacobian(logits, image), [20, 20]).numpy() != 0
    assert not np.triu(depends).any()
    assert np.diag(depends, -1)[np.arange(1, 20) % 4 > 0].all()  # the pixel at the left
    assert np.diag(depends, -4).all()  # the pixel above
    assert layer.logits(image, latent(1, 3)).shape == (1, 5, 4)


@pytest.mark.parametrize(("z_to_inputs", "z_to_output"), SWITCHES)
def test_probabilities_of_all_images_sum_to_one(z_to_inputs, z_to_output):
    layer = decoder(2, 2, z_to_inputs=z_to_inputs, z_to_output=z_to_output)
    z = tf.repeat(latent(2, 1, 3), 16, axis=1)
    log_prob = layer.log_prob({"image": all_images(2, 2)}, z)
    np.testing.assert_allclose(tf.reduce_sum(tf.exp(log_prob), 1), [1, 1], rtol=1e-12)


@pytest.mark.parametrize(("z_to_inputs", "z_to_output"), SWITCHES)
def test_z_matters_where_the_switches_say(z_to_inputs, z_to_output):
    layer = decoder(z_to_inputs=z_to_inputs, z_to_output=z_to_output)
    first, second = layer.log_prob({"image": images(4)}, latent(2, 4, 3))
    assert (np.abs(first - second).max() > 1e-2) == (z_to_inputs != "none" or z_to_output)
    reads = {"none": [0, 0, 0], "first": [1, 0, 0], "all": [1, 1, 1]}[z_to_inputs]
    assert [convolution.plane_filters for convolution in layer.convolutions] == reads
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer.log_prob({"image": images(4)}, latent(2, 4, 3)))
    gradients = dict(zip((w.path for w in layer.weights), tape.gradient(loss, [w.value for w in layer.weights]), strict=True))
    of_z = {path: np.abs(gradient).max() for path, gradient in gradients.items() if "plane" in path and "kernel" in path}
    assert len(of_z) == sum(reads) * 4 - (reads[0] > 0) + z_to_output  # the first layer has no residual
    assert all(size > 1e-6 for size in of_z.values()), of_z


def test_without_z_the_switches_mean_nothing():
    layer = decoder(z_dim=0, z_to_inputs="all", z_to_output=True)
    assert not [weight.path for weight in layer.weights if "plane" in weight.path]
    batch, z = {"image": images(4)}, tf.zeros([2, 4, 0])
    assert layer.log_prob(batch, z).shape == (2, 4)
    plain = decoder(z_dim=3, z_to_inputs="none")
    plain.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer.log_prob(batch, z), plain.log_prob(batch, latent(2, 4, 3)))
    assert layer.write(z[0], SEED, Decoding()).shape == (4, 5, 4)


def test_a_switch_moves_no_other_weight():
    def weights(**options):
        return {weight.path: weight.numpy() for weight in PixelCNNDecoder(3, 3, num_layers=2, name="decoder", **options).weights}

    first = weights(z_dim=2, z_to_inputs="all", z_to_output=True)
    for other in (weights(z_dim=2), weights(z_dim=2, z_to_inputs="none"), weights(z_dim=0)):
        assert set(other) < set(first)
        for name, value in other.items():
            np.testing.assert_array_equal(value, first[name], err_msg=name)


def test_samples_are_single_calls():
    layer, z = decoder(z_to_inputs="all", z_to_output=True), latent(3, 4, 3)
    together = layer.log_prob({"image": images(4)}, z)
    alone = [layer.log_prob({"image": images(4)}, z[s : s + 1])[0] for s in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_log_prob_is_of_the_given_intensities_and_counts_every_pixel():
    layer = decoder()
    batch = {"image": tf.constant(np.random.default_rng(2).uniform(size=[4, 5, 4]))}
    logits = layer.logits(batch["image"], latent(4, 3)).numpy()
    expected = np.sum(batch["image"] * -np.log1p(np.exp(-logits)) - (1 - batch["image"]) * np.log1p(np.exp(logits)), axis=(1, 2))
    np.testing.assert_allclose(layer.log_prob(batch, latent(1, 4, 3))[0], expected, rtol=1e-10)
    observations = layer.num_observations(batch)
    assert observations.dtype == tf.float32
    np.testing.assert_array_equal(observations, [20] * 4)
    assert layer.example()["image"].shape == (1, 5, 4) and layer.log_prob(layer.example(), latent(1, 1, 3)).shape == (1, 1)


@pytest.mark.parametrize(("z_to_inputs", "z_to_output"), SWITCHES)
def test_written_pixels_are_what_the_logits_say(z_to_inputs, z_to_output):
    layer = decoder(z_to_inputs=z_to_inputs, z_to_output=z_to_output, kernel_size=[5, 3, 3], latent_filters=2)
    z = latent(6, 3)
    noise = np.reshape(stateless.uniform([6, 20], SEED), [6, 5, 4])
    for decoding in (Decoding("greedy"), Decoding("sample", temperature=0.7), Decoding("sample", temperature=3.0)):
        image = layer.write(z, SEED, decoding)
        logits = layer.logits(image, z)
        expected = logits > 0 if decoding.method == "greedy" else noise < tf.sigmoid(logits / decoding.temperature)
        assert image.dtype == tf.float32
        np.testing.assert_array_equal(image, np.float32(expected))
        assert 0.05 < np.mean(image) < 0.96


@pytest.mark.parametrize("per_row", [True, False])
def test_frequencies_of_written_images_agree_with_log_prob(per_row):
    layer, count = decoder(2, 2, z_to_inputs="all", z_to_output=True), 20000
    z = latent(1, 3)
    seed = stateless.rows(SEED, tf.range(count)) if per_row else SEED
    written = layer.write(tf.repeat(z, count, 0), seed, Decoding())
    numbers = np.reshape(written, [count, 4]) @ [8, 4, 2, 1]
    observed = np.bincount(numbers.astype(int), minlength=16)
    expected = count * np.exp(layer.log_prob({"image": all_images(2, 2)}, tf.repeat(z[tf.newaxis], 16, 1))[0])
    assert expected.min() > 5
    assert np.sum((observed - expected) ** 2 / expected) < 37.7  # chi-squared of 15 degrees of freedom: .1 % above


def test_an_image_of_a_seed_a_row_does_not_depend_on_its_neighbours():
    layer, z = decoder(z_to_output=True), latent(6, 3)
    seeds = stateless.rows(SEED, tf.range(6))
    together = layer.write(z, seeds, Decoding())
    np.testing.assert_array_equal(layer.write(z[2:4], seeds[2:4], Decoding()), together[2:4])
    assert len(np.unique(np.reshape(together, [6, 20]), axis=0)) == 6


@pytest.mark.parametrize(("z_to_inputs", "z_to_output"), SWITCHES)
def test_a_training_step_is_a_graph(z_to_inputs, z_to_output):
    layer = decoder(z_to_inputs=z_to_inputs, z_to_output=z_to_output, dtype="float32")

    def step(image, z):
        with tf.GradientTape() as tape:
            score = tf.reduce_mean(layer.log_prob({"image": image}, z, seed=SEED))
        return [score, *tape.gradient(score, [weight.value for weight in layer.trainable_weights])]

    signature = [tf.TensorSpec([None, 5, 4]), tf.TensorSpec([None, None, 3])]
    inputs = images(4), tf.cast(latent(2, 4, 3), tf.float32)
    for value, expected in zip(tf.function(step, input_signature=signature)(*inputs), step(*inputs), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)


def test_writing_is_a_graph_of_any_batch(tmp_path):
    module = tf.Module()
    module.layer = decoder(z_to_inputs="all", dtype="float32")
    signature = [tf.TensorSpec([None, 3]), tf.TensorSpec([None, 2], tf.int32)]
    module.write = tf.function(lambda z, seed: module.layer.write(z, seed, Decoding()), input_signature=signature)
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for count in (1, 4):
        z, seeds = tf.cast(latent(count, 3), tf.float32), stateless.rows(SEED, tf.range(count))
        np.testing.assert_array_equal(loaded.write(z, seeds), module.layer.write(z, seeds, Decoding()))


def test_beam_search_is_no_way_to_write():
    with pytest.raises(ValueError, match="method = 'beam': must be one of sample, greedy"):
        decoder().write(latent(1, 3), SEED, Decoding("beam"))


def test_bfloat16_scores_nearly_as_float32():
    options = {"z_to_inputs": "all", "z_to_output": True}
    full, half = decoder(dtype="float32", **options), decoder(dtype="mixed_bfloat16", **options)
    z, batch = tf.cast(latent(2, 4, 3), tf.float32), {"image": images(4)}
    assert {weight.dtype for weight in half.weights} == {"float32"}
    with tf.GradientTape() as tape:
        scores = half.log_prob(batch, z)
    assert scores.dtype == tf.float32 and not np.array_equal(scores, full.log_prob(batch, z))
    np.testing.assert_allclose(scores, full.log_prob(batch, z), rtol=2e-2)
    assert all(np.isfinite(gradient).all() for gradient in tape.gradient(scores, [w.value for w in half.weights]))
    assert half.write(z[0], SEED, Decoding()).dtype == tf.float32


@pytest.mark.parametrize("kernel_size", [5, [5, 3, 3], (5, 3, 3)])
def test_config_round_trips(kernel_size):
    layer = PixelCNNDecoder(5, 4, z_dim=3, filters=6, kernel_size=kernel_size, num_layers=3, latent_filters=2, z_to_inputs="all", seed=4)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    twin = keras.saving.deserialize_keras_object(config)
    assert twin.get_config() == layer.get_config()
    batch, z = {"image": images(4)}, tf.cast(latent(2, 4, 3), tf.float32)
    np.testing.assert_array_equal(twin.log_prob(batch, z), layer.log_prob(batch, z))


def test_wrong_sizes_and_switches_are_refused():
    with pytest.raises(ValueError, match="kernel_size = 4: must be odd"):
        decoder(kernel_size=4)
    with pytest.raises(ValueError, match=r"kernel_size = \[5, 3\]: must be one number or one for each of 3 layers"):
        decoder(kernel_size=[5, 3])
    with pytest.raises(ValueError, match="z_to_inputs = 'last'"):
        decoder(z_to_inputs="last")
