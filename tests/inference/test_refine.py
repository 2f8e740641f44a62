"""The steps and their gradients against values of the authors' code.

`tests/golden/savae_*.npz` were computed with harvardnlp/sa-vae @e5187a2 (`OptimN2N.forward` and `backward`) in float64; exact_d_* are the
derivatives of the same steps by automatic differentiation, which is not of that code.
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tfvae.inference.refine import refine

FOLDER = pathlib.Path(__file__).parents[1] / "golden"
NAMES = ("free", "one_step", "slack_clip", "tight_clip", "joint_clip")
WEIGHTS = ("one_weight", "one_bias", "two_weight", "two_bias")


def read(name):
    with np.load(FOLDER / f"savae_{name}.npz") as values:
        return dict(values)


def losses(golden, weights, params, noise):
    """The weighted bound of each example under a perceptron, [B]."""
    mean, log_variance = params
    z = mean + tf.exp(log_variance / 2) * noise
    hidden = tf.tanh(tf.matmul(z, weights[0], transpose_b=True) + weights[1])
    logits = tf.matmul(hidden, weights[2], transpose_b=True) + weights[3]
    nll = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(golden["x"], logits), -1)
    kl = tf.reduce_sum(tf.exp(log_variance) + tf.square(mean) - 1 - log_variance, -1) / 2
    return golden["likelihood_weight"] * nll + golden["beta"] * kl


def refined(golden, gradient, *, graph=False, **options):
    """The refinement, the final loss and its gradients to mean, log-variance and weights."""
    weights = [tf.Variable(golden[f"w_{name}"]) for name in WEIGHTS]
    loss = lambda params, noise: tf.reduce_mean(losses(golden, weights, params, noise))  # noqa: E731
    settings = {"rate": tuple(golden["learning_rates"]), "momentum": float(golden["momentum"]), "clip": float(golden["clip"])}

    def compute():
        start = tf.constant(golden["mean"]), tf.constant(golden["logvar"])
        with tf.GradientTape() as tape:
            tape.watch(start)
            answer = refine(
                loss,
                start,
                tf.constant(golden["noise"]),
                **{**settings, "unit": "batch", "parameters": weights, **options},
                gradient=gradient,
            )
            final = loss(answer.refined, golden["final_noise"])
        return answer, final, tape.gradient(final, [*start, *weights])

    return tf.function(compute)() if graph else compute()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("gradient", ["exact", "none"])
def test_steps_are_those_of_the_authors(name, gradient):
    golden = read(name)
    answer, final, _ = refined(golden, gradient)
    for number, part in enumerate(("mean", "logvar")):
        np.testing.assert_allclose(answer.start[number], golden[part], rtol=0)
        np.testing.assert_allclose(answer.path[number], golden[f"{part}_path"], atol=1e-12)
        np.testing.assert_allclose(answer.refined[number], golden[f"refined_{part}"], atol=1e-12)
    np.testing.assert_allclose(final, golden["loss"], rtol=1e-12)
    assert answer.losses.shape == (golden["steps"],)


@pytest.mark.parametrize(
    ("gradient", "reference", "tolerance"), [("exact", "exact", 1e-11), ("difference", "exact", 1e-8), ("official", "official", 1e-8)]
)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_through_the_steps_or_of_the_authors_backward_pass(name, gradient, reference, tolerance):
    golden = read(name)
    _, _, found = refined(golden, gradient, graph=name == "tight_clip")
    for part, value in zip(("mean", "logvar", *WEIGHTS), found, strict=True):
        expected = golden[f"{reference}_d_{part}"]
        np.testing.assert_allclose(value, expected, atol=tolerance * np.abs(expected).max(), err_msg=part)


@pytest.mark.parametrize("name", NAMES)
def test_differences_of_one_side_are_near_them(name):
    golden = read(name)
    for part, value in zip(("mean", "logvar", *WEIGHTS), refined(golden, "difference", sides=1)[2], strict=True):
        expected = golden[f"exact_d_{part}"]
        np.testing.assert_allclose(value, expected, atol=1e-6 * np.abs(expected).max(), err_msg=part)


def test_the_authors_backward_pass_is_no_derivative_once_it_clips():
    golden = read("joint_clip")
    exact, official = (golden[f"{kind}_d_mean"].ravel() for kind in ("exact", "official"))
    assert exact @ official < 0


def test_no_gradient_passes_where_none_is_asked_for():
    golden = read("free")
    *of_start, _, _, _, _ = found = refined(golden, "none")[2]
    assert of_start == [None, None]
    for name, value in zip(WEIGHTS, found[2:], strict=True):
        np.testing.assert_allclose(value, golden[f"direct_d_{name}"], atol=1e-12)


@pytest.mark.parametrize("sides", [1, 2])
def test_without_parameters_the_start_has_the_same_gradient_and_the_model_that_of_the_end(sides):
    golden = read("free")
    whole, alone = (refined(golden, "difference", sides=sides, **options)[2] for options in ({}, {"parameters": ()}))
    for first, second in zip(whole[:2], alone[:2], strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-12)
    for name, value in zip(WEIGHTS, alone[2:], strict=True):
        np.testing.assert_allclose(value, golden[f"direct_d_{name}"], atol=1e-12)


def test_an_example_s_steps_are_its_own():
    golden = read("tight_clip")
    weights = [tf.constant(golden[f"w_{name}"]) for name in WEIGHTS]
    noise, start = tf.constant(golden["noise"]), (tf.constant(golden["mean"]), tf.constant(golden["logvar"]))
    options = {"rate": 0.3, "clip": 0.5, "gradient": "none"}
    whole = refine(lambda params, eps: losses(golden, weights, params, eps), start, noise, **options)
    assert whole.losses.shape == (5, 4)
    one = {**golden, "x": golden["x"][2:3]}
    alone = refine(lambda params, eps: losses(one, weights, params, eps), tuple(p[2:3] for p in start), noise[:, 2:3], **options)
    for first, second in zip(whole.refined, alone.refined, strict=True):
        np.testing.assert_allclose(first[2:3], second, atol=1e-12)
    steps = np.stack([whole.path[0][1] - whole.path[0][0], whole.path[1][1] - whole.path[1][0]])
    assert np.all(np.linalg.norm(steps, axis=-1) <= 0.3 * 0.5 + 1e-9)


@pytest.mark.parametrize("gradient", ["exact", "difference", "none"])
def test_no_steps_are_the_start(gradient):
    start = {"posterior": tf.ones([3, 2])}
    with tf.GradientTape() as tape:
        tape.watch(start)
        answer = refine(lambda params, eps: tf.reduce_sum(params["posterior"], -1), start, tf.zeros([0, 3, 2]), gradient=gradient)
        total = tf.reduce_sum(2 * answer.refined["posterior"])
    np.testing.assert_array_equal(answer.refined["posterior"], start["posterior"])
    slope = tape.gradient(total, start["posterior"])
    assert slope is None if gradient == "none" else np.all(slope == 2)
    assert answer.losses.shape[0] == answer.path["posterior"].shape[0] == 0


def test_wrong_names_are_errors():
    start, noise = tf.zeros([1, 1]), tf.zeros([1, 1, 1])
    with pytest.raises(ValueError, match="gradient = 'some': must be one of exact, difference, official, none"):
        refine(lambda params, eps: params, start, noise, gradient="some")
    with pytest.raises(ValueError, match="unit = 'word': must be one of example, batch"):
        refine(lambda params, eps: params, start, noise, unit="word")
