import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.objectives.elbo import ELBO
from tfvae.objectives.schedules import Linear

KL = {"kl_z": tf.constant([[0.1, 0.5], [2.0, 0.4]]), "kl_c": tf.constant([0.2, 0.9])}
RELIEF = {"dispersion": tf.constant([0.3, 0.4]), "mutual_information": tf.constant([0.05, 0.1])}
RECONSTRUCTION = tf.constant(10.0)


def loss(**weights):
    return float(ELBO(**weights)(RECONSTRUCTION, KL, RELIEF))


def test_defaults_give_the_negative_elbo():
    assert loss() == pytest.approx(10 + 3.0 + 1.1)


def test_beta_0_and_1_differ_by_the_dispersion():
    assert loss(beta=0.0) - loss(beta=1.0) == pytest.approx(0.7, abs=1e-5)


def test_the_mutual_information_is_given_back_with_its_weight():
    assert loss() - loss(mi_weight=0.5) == pytest.approx(0.075, abs=1e-5)


def test_the_regularisers_are_scaled_by_w():
    objective = ELBO(beta=0.5, mi_weight=1.0, kl_weight=2.0)
    full, half = (float(objective(RECONSTRUCTION, KL, RELIEF, w)) for w in (1.0, 0.5))
    assert full - 10 == pytest.approx(2 * (half - 10))
    assert full == pytest.approx(10 + 2 * 4.1 - 0.35 - 0.15)


@pytest.mark.parametrize(
    ("unit", "expected"), [("variable", 0.6 + 2.4 + 0.5 + 0.9), ("dimension", 0.5 + 0.5 + 2 + 0.5 + 0.5 + 0.9), ("total", 4.1)]
)
def test_free_bits_replace_the_kl_of_a_unit_by_at_least_their_number(unit, expected):
    assert loss(free_bits=0.5, free_bits_per=unit) == pytest.approx(10 + expected)


def test_free_bits_for_the_total_hold_it_up():
    assert loss(free_bits=7.0, free_bits_per="total") == pytest.approx(17)


def test_no_gradient_reaches_a_unit_below_its_free_bits():
    kl = tf.constant([0.1, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(kl)
        value = ELBO(free_bits=0.5)(RECONSTRUCTION, {"kl_z": kl}, {})
    np.testing.assert_array_equal(tape.gradient(value, kl), [0, 1])


def test_the_norm_penalty_is_added_with_its_weight_whatever_w_is():
    objective = ELBO(norm_weight=0.5)
    penalised, plain = (objective(RECONSTRUCTION, KL, RELIEF, 0.0, penalty=penalty) for penalty in ({"norm_penalty": tf.constant(3.0)}, {}))
    assert float(penalised - plain) == pytest.approx(1.5)


@pytest.mark.parametrize("beta", [-0.1, 1.1])
def test_beta_outside_its_interval_is_refused(beta):
    with pytest.raises(ValueError, match="must be in"):
        ELBO(beta=beta)


def test_an_unknown_unit_of_free_bits_is_refused():
    with pytest.raises(ValueError, match="free_bits_per"):
        ELBO(free_bits_per="word")


def test_configuration_round_trips():
    objective = ELBO(beta=0.3, mi_weight=0.5, free_bits=0.1, free_bits_per="total", schedule=Linear(0.1, 50))
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(objective))
    assert copy.get_config() == objective.get_config()
    assert isinstance(copy.schedule, Linear)
