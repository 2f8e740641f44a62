import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfvae import stateless

SEED = tf.constant([1, 2])


@pytest.mark.parametrize(("draw", "law"), [(stateless.normal, "norm"), (stateless.uniform, "uniform")])
def test_noise_has_its_law_with_one_seed_and_with_a_seed_a_row(draw, law):
    for seed in (SEED, stateless.rows(SEED, tf.range(500))):
        noise = draw([500, 20], seed).numpy()
        assert stats.kstest(noise.ravel(), law).pvalue > 1e-4


@pytest.mark.parametrize("draw", [stateless.normal, stateless.uniform])
def test_a_row_s_noise_depends_on_its_own_seed_alone(draw):
    whole = draw([6, 3], stateless.rows(SEED, tf.range(6)))
    part = draw([2, 3], stateless.rows(SEED, tf.constant([4, 1])))
    # Within a rounding: the processor's vector and scalar logarithms differ.
    np.testing.assert_allclose(part, tf.gather(whole, [4, 1]), rtol=1e-6)


def test_the_rows_generator_is_splitmix64():
    """Against the generator's published outputs for the seed 1234567, of which float64 keeps the upper 53 bits."""
    words = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    noise = stateless.uniform([1, 5], tf.constant([[1234567, 0]]), "float64").numpy()[0]
    np.testing.assert_array_equal(noise, [(word >> 11) / 2**53 for word in words])


@pytest.mark.parametrize("seeds", [SEED, SEED[tf.newaxis]])
def test_folding_makes_seeds_that_differ_and_does_not_commute(seeds):
    folded = [stateless.fold(seeds, i).numpy() for i in range(-50, 50)]
    assert len({tuple(seed.ravel()) for seed in folded}) == 100
    one = stateless.fold(stateless.fold(seeds, 1), 2)
    other = stateless.fold(stateless.fold(seeds, 2), 1)
    assert not np.array_equal(one, other)


def test_folding_several_numbers_into_rows_is_folding_each():
    seeds = stateless.rows(SEED, tf.range(3))
    np.testing.assert_array_equal(stateless.fold(seeds, [[5], [7]])[1, 2], stateless.fold(seeds[2:], 7)[0])


def test_the_noise_of_neighbouring_rows_and_of_folded_seeds_is_uncorrelated():
    seeds = stateless.rows(SEED, tf.range(200))
    draws = [seeds, *(stateless.fold(seeds, i) for i in range(3))]
    noise = tf.concat([stateless.normal([200, 500], seed) for seed in draws], axis=0).numpy()
    correlation = np.corrcoef(noise)[~np.eye(len(noise), dtype=bool)]
    assert np.abs(correlation).max() < 6 / np.sqrt(500)
    np.testing.assert_allclose(correlation.std(), 1 / np.sqrt(500), rtol=0.01)


def test_dropout_keeps_the_mean_and_is_off_without_a_seed():
    x = tf.ones([10_000])
    dropped = stateless.dropout(x, 0.3, SEED).numpy()
    assert set(np.round(np.unique(dropped), 5)) == {0.0, np.float32(round(1 / 0.7, 5))}
    assert abs(dropped.mean() - 1) < 4 * dropped.std() / 100
    np.testing.assert_array_equal(stateless.dropout(x, 0.3, None), x)
    np.testing.assert_array_equal(stateless.dropout(x, 0.0, SEED), x)


def test_dropout_in_half_precision_drops_as_much():
    dropped = stateless.dropout(tf.ones([400, 500], tf.bfloat16), 0.3, SEED)
    assert dropped.dtype == tf.bfloat16
    assert abs(np.mean(tf.cast(dropped == 0, tf.float64)) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 200_000)


def test_a_fingerprint_is_of_the_values_of_a_row_alone():
    rows = [[5, 7, 0], [7, 5, 0], [5, 7, 9], [5, 0, 7]]
    found = stateless.fingerprint(tf.constant(rows)).numpy()
    assert len(set(found.tolist())) == 4
    assert stateless.fingerprint(tf.constant([[5, 7, 0, 0, 0]])).numpy() == found[0]
    assert stateless.fingerprint(tf.constant([[0.5, -1.0]])) != stateless.fingerprint(tf.constant([[-1.0, 0.5]]))
    pairs = tf.reshape(tf.range(1, 20_001), [10_000, 2])
    assert len(set(stateless.fingerprint(pairs).numpy().tolist())) == 10_000


@pytest.mark.parametrize("concentration", [0.4, 1.0, 7.0, 140.0])
@pytest.mark.parametrize("by_row", [True, False])
def test_gamma_noise_has_its_law_and_the_gradient_that_holds_its_quantile(concentration, by_row):
    count = 20_000
    seed = stateless.rows(tf.constant([3, 4]), tf.range(count)) if by_row else tf.constant([3, 4])
    alpha = tf.fill([count], tf.constant(concentration, tf.float64))
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        value = stateless.gamma(alpha, seed)
    assert stats.kstest(value.numpy(), stats.gamma(concentration).cdf).pvalue > 1e-3
    some, step = value.numpy()[:20], 1e-5 * concentration
    quantile = stats.gamma(concentration).cdf(some)
    slope = (stats.gamma(concentration + step).ppf(quantile) - stats.gamma(concentration - step).ppf(quantile)) / (2 * step)
    np.testing.assert_allclose(tape.gradient(value, alpha)[:20], slope, rtol=2e-3)


def test_gamma_noise_of_a_row_does_not_depend_on_its_neighbours():
    alpha, seeds = tf.constant([[0.5, 2.0], [3.0, 1.0], [1.0, 9.0]]), tf.constant([[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(stateless.gamma(alpha, seeds)[1:], stateless.gamma(alpha[1:], seeds[1:]))
