import pytest

from tfvae.data.corpora import DIALOGUES
from tfvae.errors import UserError
from tfvae.registry import CORPORA, MODELS, resolve
from tfvae.registry.models import OF_ANY, OF_DIALOGUES


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("model", OF_ANY)
def test_every_model_has_settings_for_every_corpus(model, corpus):
    config = resolve(model, corpus)
    assert (config.model, config.data.name) == (model, corpus)


def test_a_model_of_dialogues_has_settings_for_every_corpus_of_dialogues():
    assert set(OF_ANY) | set(OF_DIALOGUES) == set(MODELS)
    for model in OF_DIALOGUES:
        for corpus in DIALOGUES:
            assert resolve(model, corpus).data.modality == "turns"


def test_the_papers_model_is_state_and_first_inputs_with_beta_08():
    config = resolve("dgm_vae", "ptb")
    assert (config.objective.beta, config.objective.mi_weight) == (0.8, 0)
    assert (config.decoder.z_to_state, config.decoder.z_to_inputs, config.decoder.z_to_output) == (True, "first", False)
    assert (config.latent.variables, config.latent.components, config.latent.dim) == (20, 5, 2)
    assert (config.encoder.hidden_dim, config.decoder.hidden_dim, config.training.clip_norm) == (512, 512, 0.5)


def test_dem_vae_has_every_cure():
    config = resolve("dem_vae", "ptb")
    assert config.objective.beta > 0 and config.objective.mi_weight > 0
    assert config.decoder.z_to_inputs == "all" and config.decoder.z_to_output


def test_a_plain_vae_has_as_many_dimensions_as_the_mixture_on_each_corpus():
    for corpus in CORPORA:
        plain, mixture = resolve("vae", corpus).latent, resolve("gm_vae", corpus).latent
        assert plain.variables * plain.dim == mixture.variables * mixture.dim


def test_later_layers_override_earlier_ones():
    config = resolve("dem_vae", "demo", {"latent": {"dim": 7, "components": 3}}, {"latent.dim": "9"}, base={"latent.components": 2})
    assert (config.latent.dim, config.latent.components) == (9, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "dem_va"}, "did you mean 'dem_vae'"),
        ({"model": "vae", "corpus": "ptp"}, "did you mean 'ptb'"),
        ({"model": "vae", "overrides": {"objective.beta": 0.5}}, "objective.beta means nothing for model vae: its prior is no mixture"),
        ({"model": "vae", "overrides": {"latent.components": 3}}, "its prior is no mixture"),
        ({"model": "vae", "overrides": {"latent.variables": 3}}, "it has one latent variable"),
        ({"model": "vae", "overrides": {"objective.norm_weight": 1}}, "its posterior is not on one sphere"),
        ({"model": "dem_vae", "overrides": {"latent.kappa": 3}}, "its latent space is no sphere"),
        ({"model": "vmf_vae", "overrides": {"latent.prior_kappa": 3}}, "its prior is no mixture over a sphere"),
        ({"model": "vmf_vae", "overrides": {"objective.free_bits": 3}}, "its KL is a constant"),
        ({"model": "vmf_vae", "overrides": {"latent.dim": 1}}, "spheres of 2 dimensions or more"),
        ({"model": "vmf_vae", "overrides": {"latent.batch_norm": 0.6}}, "its latent is spherical, which has dim, kappa, learn_kappa"),
        ({"model": "dem_vae", "overrides": {"latent.minimum_kl": 0.1}}, "its latent is mixture, which has"),
        ({"model": "vae", "overrides": {"latent.batch_norm": 0.6, "latent.minimum_kl": 0.1}}, "both say which means there are"),
        ({"model": "vae", "overrides": {"latent.kind": "vamp", "latent.batch_norm": 0.6}}, "its latent is vamp, which has dim, pseudo"),
        ({"model": "vae", "overrides": {"latent.pseudo_inputs": 5}}, "its latent is gaussian, which has dim, batch_norm, minimum_kl"),
        ({"model": "ae", "overrides": {"training.aggressive": 100}}, "its posterior is a point, without a KL"),
        ({"model": "vmf_vae", "overrides": {"training.aggressive": 100}}, "its KL is a constant"),
        ({"model": "ae", "overrides": {"objective.information_weight": 1}}, "its posterior is a point, without a KL"),
        ({"model": "rnn_lm", "overrides": {"objective.information_weight": 1}}, "it has no latent variable"),
        ({"model": "vae", "overrides": {"latent.learn_kappa": True}}, "its posterior is not on one sphere"),
        ({"model": "vmf_vae", "overrides": {"latent.kappa_gradient": "detached"}}, "its concentration is not learned"),
        ({"model": "ae", "overrides": {"objective.schedule.kind": "linear"}}, "its posterior is a point, without a KL"),
        ({"model": "rnn_lm", "overrides": {"encoder.hidden_dim": 3}}, "it has no latent variable"),
        ({"model": "rnn_lm", "overrides": {"decoder.z_to_output": True}}, "it has no latent variable"),
        ({"model": "dem_vae", "overrides": {"latent.family": "gausian"}}, "not a family, did you mean 'gaussian'"),
        ({"model": "vae", "overrides": {"training.preset": "sa_va"}}, "--preset=sa_va is not a preset, did you mean 'sa_vae'"),
        ({"model": "vae", "settings": {"training": {"preset": []}}}, r"config.training.preset = \[\]: must be text"),
        ({"model": "vae", "overrides": {"training.init_parts": "encoder"}}, "it begins with no run's weights; --init_from names one"),
        ({"model": "dem_vae", "overrides": {"objective.schedule.cycles": 3}}, "its schedule is logistic, which has slope, midpoint"),
        ({"model": "dem_vae", "overrides": {"data.train_file": "x"}}, "files are read with --data=text"),
        ({"model": "dem_vae", "overrides": {"latent.dims": 3}}, r"latent.dims is not a field of the configuration, did you mean 'dim'"),
    ],
)
def test_what_makes_no_sense_is_an_error_that_says_so(arguments, message):
    with pytest.raises(UserError, match=message):
        resolve(**arguments)


def test_kappa_means_something_for_a_mixture_of_spheres():
    overrides = {"latent.family": "von_mises_fisher", "latent.dim": 3, "latent.kappa": 30.0}
    assert resolve("dem_vae", "demo", overrides=overrides).latent.kappa == 30


def test_kappa_of_the_spherical_model_is_the_authors_and_does_not_depend_on_the_corpus():
    for corpus in CORPORA:
        latent = resolve("vmf_vae", corpus).latent
        assert (latent.dim, latent.kappa, latent.variables) == (50, 35, 1)
    assert resolve("vmf_vae", "ptb", overrides={"latent.kappa": 80}).latent.kappa == 80


def test_a_kappa_that_is_learned_makes_settings_of_the_kl_mean_something():
    overrides = {"latent.learn_kappa": True, "objective.free_bits": 2.0, "objective.schedule.kind": "linear"}
    assert resolve("vmf_vae", "ptb", overrides=overrides).objective.free_bits == 2
    preset = resolve("vmf_vae", "ptb", overrides={"latent.learn_kappa": True, "training.preset": "sa_vae"})
    assert preset.objective.schedule.kind == "linear"


def test_presets_are_the_papers_optimisers_and_leave_the_rest_alone():
    config = resolve("vmf_vae", "ptb", overrides={"training.preset": "vmf_vae"})
    training = config.training
    assert (training.optimizer, training.learning_rate, training.clip_norm, config.data.batch_size) == ("sgd", 10, 0.25, 20)
    falls = next(n for n in range(100) if training.learning_rate * training.lr_decay**n < training.min_learning_rate)
    assert falls == 15
    config = resolve("skip_vae", "ptb", {"training": {"preset": "sa_vae"}}, {"training.learning_rate": 0.5})
    assert (config.training.optimizer, config.training.learning_rate, config.objective.schedule.start) == ("sgd", 0.5, 0.1)
    assert config.latent == resolve("skip_vae", "ptb").latent
    assert resolve("vmf_vae", "ptb", overrides={"training.preset": "sa_vae"}).objective == resolve("vmf_vae", "ptb").objective


def test_skip_vae_reads_z_everywhere():
    decoder = resolve("skip_vae", "ptb").decoder
    assert decoder.z_to_state and decoder.z_to_inputs == "all" and decoder.z_to_output
