import types

import pytest

from tfvae.latents.spherical import SphericalLatent
from tfvae.objectives.elbo import ELBO
from tfvae.objectives.schedules import Constant, Cyclical, Linear, Logistic
from tfvae.training.collapse import collapse_messages


def model(components=5, variables=2, has_codes=True, final=1.0, beta=0.0, schedule=None, z_to_output=False, has_dispersion=True):
    sizes = {"num_components": components, "num_variables": variables}
    latent = types.SimpleNamespace(has_codes=has_codes, has_dispersion=has_dispersion, **sizes)
    objective = ELBO(beta=beta, mi_weight=beta, schedule=schedule or Constant(final))
    return types.SimpleNamespace(latent=latent, objective=objective, decoder=types.SimpleNamespace(z_to_output=z_to_output))


HEALTHY = {"w": 1.0, "val_kl_z": 5.0, "val_average_kl": 3.0, "val_mutual_information": 1.0}


def test_a_healthy_model_is_not_warned_of():
    assert collapse_messages(model(), HEALTHY) == {}


def test_a_posterior_that_is_the_prior_is_named():
    messages = collapse_messages(model(has_codes=False), {"w": 1.0, "val_kl_z": 0.02})
    assert "the posterior has collapsed: z carries 0.020 nats" in messages["posterior"]


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        ({}, "--kappa is too small for so many dimensions"),
        ({"learn_kappa": True, "kappa_gradient": "detached"}, "--config.latent.kappa_gradient=exact lets the reconstruction hold up kappa"),
        ({"learn_kappa": True}, "--config.objective.free_bits=0.5"),
    ],
)
def test_a_sphere_s_cure_is_its_kappa_s(options, cure):
    sphere = model(has_codes=False)
    sphere.latent = SphericalLatent(feature_dim=2, dim=3, kappa=5.0, **options)
    assert cure in collapse_messages(sphere, {"w": 1.0, "val_kl_z": 0.02})["posterior"]


def test_codes_that_tell_nothing_are_named_with_what_they_could_tell():
    messages = collapse_messages(model(), {**HEALTHY, "val_mutual_information": 0.06})
    assert "a code carries 0.030 of the 1.61 nats it could" in messages["mixture"] and "--beta=0.8" in messages["mixture"]
    assert "--beta" not in collapse_messages(model(beta=0.8), {**HEALTHY, "val_mutual_information": 0.06})["mixture"]


def test_codes_without_a_dispersion_term_are_told_of_no_beta():
    message = collapse_messages(model(has_dispersion=False), {**HEALTHY, "val_mutual_information": 0.06})["mixture"]
    assert message.startswith("the codes have collapsed: a code carries 0.030 of the 1.61 nats") and "--beta" not in message
    assert message.endswith("try --config.objective.mi_weight=1")


def test_one_component_is_no_collapse():
    assert collapse_messages(model(components=1), {**HEALTHY, "val_mutual_information": 0.0}) == {}


@pytest.mark.parametrize(
    ("schedule", "flag"),
    [
        (Constant(), "schedule.kind=logistic"),
        (Logistic(), "schedule.midpoint"),
        (Linear(), "schedule.steps"),
        (Cyclical(), "schedule.steps"),
    ],
)
def test_a_mixture_that_collapses_all_the_same_needs_a_slower_schedule(schedule, flag):
    message = collapse_messages(model(beta=0.8, schedule=schedule), {**HEALTHY, "val_mutual_information": 0.06})["mixture"]
    assert f"--config.objective.{flag}" in message


@pytest.mark.parametrize("z_to_output", [False, True])
def test_a_skip_connection_is_proposed_where_there_is_none(z_to_output):
    message = collapse_messages(model(z_to_output=z_to_output), {**HEALTHY, "val_average_kl": 0.02})["posterior"]
    assert ("--config.decoder.z_to_output=true" in message) != z_to_output
    assert "--config.objective.free_bits=0.5" in message
