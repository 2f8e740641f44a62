import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.layers.masked_convolution import GatedMaskedConvolution


def convolution(**options):
    layer = GatedMaskedConvolution(
        4, **{"input_filters": 3, "kernel_size": 5, "plane_filters": 2, "seed": 1, "dtype": "float64", **options}
    )
    rng = np.random.default_rng(2)
    for weight in layer.weights:
        weight.assign(weight + rng.normal(size=weight.shape) / 4)
    return layer


def maps(filters, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=[2, 6, 7, filters]))


def masked(layer, name, x):
    """A convolution with a full kernel that is zero where a mask hides it."""
    weights = {weight.name: weight.numpy() for weight in layer.weights}
    kernels = [weights[part] for part in (f"{name}_kernel", f"{name}_plane_kernel") if part in weights]
    kernel = np.concatenate(kernels, 2)
    size = layer.kernel_size if name in ("vertical", "horizontal") else 1
    full = np.zeros([size, size, *kernel.shape[2:]])
    rows = slice(0, size // 2 + 1) if name == "vertical" else slice(size // 2, size // 2 + 1)
    columns = slice(0, size) if name == "vertical" else slice(0, size // 2 + 1)
    full[rows, columns] = kernel
    return np.array(tf.nn.conv2d(x, full, 1, "SAME") + weights[f"{name}_bias"])


def gate(x):
    return np.tanh(x[..., :4]) / (1 + np.exp(-x[..., 4:]))


@pytest.mark.parametrize("mask", ["A", "B"])
@pytest.mark.parametrize("plane_filters", [0, 2])
def test_equals_convolutions_with_masked_kernels(mask, plane_filters):
    layer, v, h = convolution(mask=mask, plane_filters=plane_filters), maps(3), maps(3, seed=1)
    planes = maps(2, seed=3) if plane_filters else None
    with_planes = [x if planes is None else tf.concat([x, planes], -1) for x in (v, h)]
    a = np.zeros([2, 6, 7, 8])
    a[:, 1:] = masked(layer, "vertical", with_planes[0])[:, :-1]
    left = masked(layer, "horizontal", with_planes[1])
    if mask == "A":
        left[:, :, 1:], left[:, :, 0] = left[:, :, :-1].copy(), 0
    expected = masked(layer, "output", gate(left + masked(layer, "between", a)))
    if mask == "B":
        expected += masked(layer, "residual", with_planes[1])
    next_v, next_h = layer(v, h, planes)
    np.testing.assert_allclose(next_v, gate(a), atol=1e-12)
    np.testing.assert_allclose(next_h, expected, atol=1e-12)


@pytest.mark.parametrize(("mask", "own"), [("A", False), ("B", True)])
def test_mask_a_hides_the_pixel_itself_and_mask_b_shows_it(mask, own):
    layer, planes = convolution(mask=mask), maps(2, seed=3)
    v, h = maps(3), maps(3, seed=1)
    with tf.GradientTape() as tape:
        tape.watch((v, h))
        pixel = tf.reduce_sum(layer(v, h, planes)[1][0, 3, 4])
    of_v, of_h = (np.abs(gradient[0]).sum(-1) > 0 for gradient in tape.gradient(pixel, (v, h)))
    expected_v, expected_h = np.zeros([6, 7], bool), np.zeros([6, 7], bool)
    expected_v[0:3, 2:7] = True
    expected_h[3, 2 if own else 1 : 5 if own else 4] = True
    np.testing.assert_array_equal(of_v, expected_v)
    np.testing.assert_array_equal(of_h, expected_h)


@pytest.mark.parametrize("mask", ["A", "B"])
def test_a_row_alone_is_as_among_others(mask):
    layer, h, planes = convolution(mask=mask), maps(3), maps(2, seed=3)
    _, above = layer.vertical(maps(3, seed=1), planes)
    alone = layer.horizontal(h[:, 2:3], above[:, 2:3], planes[:, 2:3])
    np.testing.assert_allclose(alone, layer.horizontal(h, above, planes)[:, 2:3], atol=1e-12)


def test_planes_and_mask_move_no_other_weight():
    def weights(**options):
        layer = GatedMaskedConvolution(4, input_filters=3, seed=5, name="layer", **options)
        return {weight.name: weight.numpy() for weight in layer.weights}

    most = weights(plane_filters=2)
    for fewer in (weights(), weights(mask="A", plane_filters=2), weights(mask="A")):
        assert set(fewer) < set(most)
        for name, value in fewer.items():
            np.testing.assert_array_equal(value, most[name], err_msg=name)


def test_initial_kernels_have_variance_one_third_over_the_fan_in():
    layer = GatedMaskedConvolution(64, input_filters=64)
    for weight in layer.weights:
        if "kernel" in weight.name:
            fan_in = np.prod(weight.shape[:-1])
            assert np.var(weight) == pytest.approx(1 / 3 / fan_in, rel=0.05)
            assert np.abs(weight).max() <= fan_in**-0.5
        else:
            assert not np.any(weight)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("mask", ["A", "B"])
def test_a_graph_gives_what_eager_operations_give(dtype, mask):
    layer = convolution(mask=mask, dtype=dtype)

    def run(v, h, planes):
        with tf.GradientTape() as tape:
            tape.watch(h)
            total = sum(tf.reduce_sum(tf.sin(tf.cast(x, tf.float32))) for x in layer(v, h, planes))
        return [total, tape.gradient(total, h)]

    inputs = [tf.cast(x, layer.compute_dtype) for x in (maps(3), maps(3, seed=1), maps(2, seed=3))]
    for value, expected in zip(tf.function(run)(*inputs), run(*inputs), strict=True):
        tolerance = 1e-4 if dtype == "float32" else 0.05
        np.testing.assert_allclose(tf.cast(value, tf.float32), tf.cast(expected, tf.float32), rtol=tolerance, atol=tolerance)


def test_config_round_trips():
    layer = GatedMaskedConvolution(4, input_filters=3, kernel_size=5, plane_filters=2, mask="A", seed=7)
    twin = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(layer))))
    assert twin.get_config() == layer.get_config()
    for ours, theirs in zip(layer.weights, twin.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_even_kernels_and_unknown_masks_are_refused():
    with pytest.raises(ValueError, match="kernel_size = 4: must be odd"):
        convolution(kernel_size=4)
    with pytest.raises(ValueError, match="mask = 'C': must be one of A, B"):
        convolution(mask="C")
