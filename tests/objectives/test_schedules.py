import numpy as np
import pytest

from tfvae.objectives.schedules import SCHEDULES, Constant, Cyclical, Linear, Logistic, settings


def test_logistic_is_the_published_one():
    weights = [float(Logistic()(step)) for step in (0, 500, 1000, 2500, 4000, 5000)]
    np.testing.assert_allclose(weights, [0.0019, 0.0067, 0.0230, 0.5, 0.9770, 0.9981], atol=5e-5)


def test_linear_rises_from_start_to_one_and_stays():
    np.testing.assert_allclose([float(Linear(0.2, 10)(step)) for step in (0, 5, 10, 99)], [0.2, 0.6, 1, 1], rtol=1e-6)


def test_cyclical_repeats_a_ramp_and_a_plateau_then_stays_at_one():
    schedule = Cyclical(steps=40, cycles=2, ramp=0.5)
    np.testing.assert_allclose([float(schedule(step)) for step in (0, 5, 10, 19, 20, 25, 40, 45)], [0, 0.5, 1, 1, 0, 0.5, 1, 1], atol=1e-6)


def test_constant_does_not_change():
    assert float(Constant(0.4)(0)) == float(Constant(0.4)(10**6)) == pytest.approx(0.4)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_arguments_round_trip(kind):
    schedule, fields = SCHEDULES[kind]
    assert set(settings(kind)) - set(fields) == ({"epochs"} if "steps" in fields else set())
    assert tuple(schedule().get_config()) == fields
    assert schedule.from_config(schedule().get_config()).get_config() == schedule().get_config()
