"""What the demo corpus promises, with the defaults: the mixture finds a label, the plain one collapses."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from tfvae.data import demo
from tfvae.models.build import build_vae
from tfvae.models.registry import resolve
from tfvae.models.text_vae import TextVAE
from tfvae.training.fit import fit


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs")
    configs = {
        "dem_vae": resolve("dem_vae", "demo"),
        "gm_vae": resolve("gm_vae", "demo", overrides={"training.epochs": 9}),
    }  # it collapses early
    return {name: fit(config, str(directory / name)) for name, config in configs.items()}


def best_agreement(model):
    """The greatest adjusted mutual information between a label and the joint code or one variable's."""
    test = demo.read().test
    codes = model.encode(list(test.texts))["codes"]
    joint = codes @ (model.vae.latent.num_components ** np.arange(codes.shape[1]))
    return max(adjusted_mutual_info_score(label, code) for label in test.labels.values() for code in [joint, *codes.T])


def test_codes_agree_with_a_true_label(trained):
    assert best_agreement(trained["dem_vae"][0]) >= 0.4


def test_an_untrained_model_s_codes_do_not(trained):
    vocabulary = trained["dem_vae"][0].vocabulary
    assert best_agreement(TextVAE(vocabulary, build_vae(resolve("dem_vae", "demo"), vocabulary.size))) < 0.05


def test_the_plain_mixture_collapses_and_the_dispersed_one_does_not(trained):
    plain, dispersed = (trained[name][1].read_metrics()[-1] for name in ("gm_vae", "dem_vae"))
    assert np.max(plain["val_mutual_information_per_variable"]) < 0.05
    assert np.min(dispersed["val_mutual_information_per_variable"]) > 0.2
    assert plain["val_natural_variance"] < 0.01 * dispersed["val_natural_variance"]
