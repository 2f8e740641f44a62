"""What the demo corpus promises, with the defaults: the mixture finds a label, the plain one collapses."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from tfvae.data import demo
from tfvae.models.build import build_vae
from tfvae.models.model import Model
from tfvae.registry import resolve
from tfvae.training.fit import fit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """dem_vae and its run."""
    return fit(resolve("dem_vae", "demo"), str(tmp_path_factory.mktemp("runs") / "dem_vae"))


def best_agreement(model):
    """The greatest adjusted mutual information between a label and the joint code or one variable's."""
    test = demo.read().test
    codes = model.encode(list(test.items))["codes"]
    joint = codes @ (model.vae.latent.num_components ** np.arange(codes.shape[1]))
    return max(adjusted_mutual_info_score(label, code) for label in test.labels.values() for code in [joint, *codes.T])


def test_codes_agree_with_a_true_label(trained):
    assert best_agreement(trained[0]) >= 0.4


def test_an_untrained_model_s_codes_do_not(trained):
    modality = trained[0].modality
    assert best_agreement(Model(modality, build_vae(resolve("dem_vae", "demo"), modality.shape))) < 0.05


def test_the_dispersed_mixture_does_not_collapse(trained):
    assert np.min(trained[1].read_metrics()[-1]["val_mutual_information_per_variable"]) > 0.2


def test_the_plain_mixture_collapses(trained, tmp_path):
    _, run = fit(resolve("gm_vae", "demo", overrides={"training.epochs": 9}), str(tmp_path / "gm_vae"))  # it collapses early
    plain, dispersed = run.read_metrics()[-1], trained[1].read_metrics()[-1]
    assert np.max(plain["val_mutual_information_per_variable"]) < 0.05
    assert plain["val_natural_variance"] < 0.01 * dispersed["val_natural_variance"]
