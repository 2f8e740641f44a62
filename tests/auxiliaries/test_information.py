"""The mutual information given back, in a whole model."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.models.build import build_vae
from tfvae.registry import resolve

SMALL = {"encoder.embedding_dim": 4, "encoder.hidden_dim": 5, "decoder.embedding_dim": 6, "decoder.hidden_dim": 6, "latent.dim": 3}
BATCH = {
    "tokens": tf.constant([[5, 6, 7, 3], [8, 9, 3, 0], [10, 3, 0, 0]]),
    "length": tf.constant([4, 3, 2]),
    "weight": tf.ones([3]),
    "index": tf.range(3),
}


def create(model, weight, **more):
    schedule = {"objective.schedule.kind": "constant"}
    base = {**SMALL, **schedule, "objective.information_weight": weight, **more}
    return build_vae(resolve(model, "demo", base=base), {"vocabulary_size": 12})


@pytest.mark.parametrize("model", ["vae", "vmf_vae", "skip_vae"])
def test_at_a_weight_of_one_the_loss_has_the_kl_of_the_aggregate_posterior(model):
    plain, relieved = create(model, 0.0), create(model, 1.0)
    plain.latent.posterior.kernel.assign(30 * plain.latent.posterior.kernel)  # so that posteriors differ
    relieved.set_weights(plain.get_weights())
    params, seed = plain.encode(BATCH), tf.constant([1, 2])
    z = plain.latent.sample(params, 1, tf.random.experimental.stateless_fold_in(seed, 0))  # that of evaluate_posterior
    own = plain.latent.log_posterior(params, z[:, :, tf.newaxis])[0]  # [B, C]
    aggregate = tf.reduce_logsumexp(own, axis=1) - np.log(3)
    loss, _ = plain.evaluate_posterior(BATCH, params, seed=seed)
    less, terms = relieved.evaluate_posterior(BATCH, params, seed=seed)
    information = float(tf.reduce_mean(tf.linalg.diag_part(own) - aggregate))
    assert float(loss - less) == pytest.approx(information, abs=2e-4) and abs(information) > 0.1
    [term] = [term for term in terms if term.name == "information"]
    assert (term.role, term.value.shape) == ("relief", [3])


def test_it_is_under_the_schedule_of_the_kl():
    halved = {"objective.schedule.value": 0.5}
    plain, relieved = create("vae", 0.0, **halved), create("vae", 0.4, **halved)
    relieved.set_weights(plain.get_weights())
    params, seed = plain.encode(BATCH), tf.constant([1, 2])
    loss, _ = plain.evaluate_posterior(BATCH, params, seed=seed, step=tf.constant(0, tf.int64))
    less, terms = relieved.evaluate_posterior(BATCH, params, seed=seed, step=tf.constant(0, tf.int64))
    information = float(tf.reduce_mean(terms[-1].value))
    assert float(loss - less) == pytest.approx(0.5 * 0.4 * information, abs=1e-5)


def test_a_model_comes_back_with_it():
    model = create("vae", 1.0)
    again = type(model).from_config(model.get_config())
    assert [auxiliary.name for auxiliary in again.auxiliaries] == ["information"]
    assert again.objective.penalty_weights == {"information": 1.0}
