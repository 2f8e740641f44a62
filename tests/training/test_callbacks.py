import types

import pytest

from tfvae.objectives.elbo import ELBO
from tfvae.objectives.schedules import Constant
from tfvae.training.callbacks import CollapseWarning, collapse_messages


def model(components=5, variables=2, has_codes=True, final=1.0, beta=0.0):
    latent = types.SimpleNamespace(has_codes=has_codes, num_components=components, num_variables=variables)
    return types.SimpleNamespace(latent=latent, objective=ELBO(beta=beta, mi_weight=beta, schedule=Constant(final)))


HEALTHY = {"w": 1.0, "val_kl_z": 5.0, "val_average_kl": 3.0, "val_mutual_information": 1.0}


def test_a_healthy_model_is_not_warned_of():
    assert collapse_messages(model(), HEALTHY) == {}


def test_a_posterior_that_is_the_prior_is_named():
    messages = collapse_messages(model(has_codes=False), {"w": 1.0, "val_kl_z": 0.02})
    assert "the posterior has collapsed: z carries 0.020 nats" in messages["posterior"]


def test_codes_that_tell_nothing_are_named_with_what_they_could_tell():
    messages = collapse_messages(model(), {**HEALTHY, "val_mutual_information": 0.06})
    assert "a code carries 0.030 of the 1.61 nats it could" in messages["mixture"] and "--beta=0.8" in messages["mixture"]
    assert "--beta" not in collapse_messages(model(beta=0.8), {**HEALTHY, "val_mutual_information": 0.06})["mixture"]


def test_one_component_is_no_collapse():
    assert collapse_messages(model(components=1), {**HEALTHY, "val_mutual_information": 0.0}) == {}


@pytest.mark.parametrize(("w", "final", "count"), [(0.5, 1.0, 0), (1.0, 1.0, 1), (0.5, 0.5, 1)])
def test_it_is_said_once_and_only_when_the_regularisers_weigh_fully(w, final, count):
    said = []
    callback = CollapseWarning(said.append)
    callback.set_model(model(final=final))
    for epoch in range(3):
        callback.on_epoch_end(epoch, {**HEALTHY, "w": w, "val_mutual_information": 0.0})
    assert len(said) == count
