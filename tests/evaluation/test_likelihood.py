"""Errors and perplexities, against drawing anew and against counting by hand."""

import math
import types

import numpy as np
import pytest

from tfvae.decoders.rate import BITS, PERPLEXITY
from tfvae.evaluation.likelihood import _error_of_difference, _rates

SUBJECT = types.SimpleNamespace(
    model=types.SimpleNamespace(
        vae=types.SimpleNamespace(decoder=types.SimpleNamespace(ordered=True, rate=PERPLEXITY)), modality=types.SimpleNamespace(unit="word")
    )
)


def draw(rng, count):
    """Lengths, bounds and gains of so many sentences; long ones have more of both."""
    length = rng.integers(5, 40, count).astype(float)
    return length, 5 * length + rng.normal(size=count), 0.1 * length + 0.3 * rng.normal(size=count)


@pytest.mark.parametrize("chosen", [30, 200, 400])
def test_the_error_of_a_control_variate_is_the_spread_over_samples(chosen):
    rng, estimates, errors = np.random.default_rng(0), [], []
    for _ in range(400):
        _, bound, gain = draw(rng, 400)
        index = rng.permutation(400)[:chosen]
        estimates.append(bound.mean() - gain[index].mean())
        errors.append(_error_of_difference(bound, gain[index], index))
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.1)


def test_with_all_sentences_it_is_that_of_their_own_differences():
    _, bound, gain = draw(np.random.default_rng(1), 50)
    expected = (bound - gain).std(ddof=1) / math.sqrt(50)
    assert _error_of_difference(bound, gain, np.arange(50)) == pytest.approx(expected)
    assert math.isnan(_error_of_difference(bound, gain[:1], np.arange(1)))


def test_perplexities_by_hand():
    nll, length = np.array([6.0, 3.0]), np.array([4.0, 2.0])  # ends counted
    figures = {figure.name: figure for figure in _rates(SUBJECT, "bound", nll, length, {})}
    assert figures["perplexity_bound"].value == pytest.approx(math.exp(9 / 6))
    assert figures["perplexity_bound_without_eos"].value == pytest.approx(math.exp(9 / 4))
    assert figures["perplexity_bound_without_eos"].settings["tokens"] == 4
    gained = next(_rates(SUBJECT, "iw", nll, length, {}, (np.array([1.5]), np.array([0]))))
    assert gained.value == pytest.approx(math.exp((9 - 2 * 1.5) / 6))


@pytest.mark.parametrize("chosen", [60, 400])
def test_the_error_of_a_perplexity_is_the_spread_over_samples(chosen):
    rng, values, errors = np.random.default_rng(2), [], []
    for _ in range(300):
        length, bound, gain = draw(rng, 400)
        index = rng.permutation(400)[:chosen]
        figure = next(_rates(SUBJECT, "iw", bound, length, {}, (gain[index], index)))
        values.append(figure.value)
        errors.append(figure.error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_bits_a_dimension_by_hand():
    decoder = types.SimpleNamespace(ordered=False, rate=BITS)
    subject = types.SimpleNamespace(
        model=types.SimpleNamespace(vae=types.SimpleNamespace(decoder=decoder), modality=types.SimpleNamespace(unit="pixel"))
    )
    [figure] = _rates(subject, "bound", np.array([6.0, 2.0]), np.array([4.0, 4.0]), {})
    assert (figure.name, figure.settings["pixels"]) == ("bits_per_dimension_bound", 8)
    assert figure.value == pytest.approx(1 / math.log(2)) and figure.error == pytest.approx(0.5 / math.log(2))
