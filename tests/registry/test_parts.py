import numpy as np
import pytest
import tensorflow as tf

from tfvae.config.rules import KINDS
from tfvae.errors import UserError
from tfvae.models.build import build_vae
from tfvae.registry import CORPORA, resolve
from tfvae.registry.applicable import reason_unused
from tfvae.registry.parts import ENCODERS, MODALITIES, TABLES, Part, register
from tfvae.reports.results import command_line


def test_every_kind_that_a_configuration_admits_has_a_part():
    assert {path.split(".")[0] for path in KINDS} == {*TABLES, "data"}
    for section, table in TABLES.items():
        assert KINDS[f"{section}.kind"] == list(table)
    assert KINDS["data.modality"] == list(MODALITIES)


def test_a_part_is_registered_once():
    with pytest.raises(ValueError, match="'recurrent' is there already"):
        register(ENCODERS, "recurrent", Part(dict, lambda encoder: ()))
    assert KINDS["encoder.kind"].count("recurrent") == 1


@pytest.mark.parametrize(
    ("corpus", "overrides", "message"),
    [
        ("mnist", {"encoder.kind": "recurrent"}, "and the corpus mnist has image. An encoder for it is perceptron or residual"),
        ("demo", {"decoder.kind": "pixel_cnn"}, "A decoder for it is recurrent or bag_of_words: --decoder=recurrent"),
        ("20ng", {"decoder.kind": "pixel"}, "did you mean 'pixel_cnn'"),
        ("20ng", {"decoder.word_dropout": 0.5}, "its decoder is bag_of_words, which has hidden_dim, num_layers, dropout, z_to"),
        ("20ng", {"data.vocabulary_size": 100}, "its corpus is 20ng, which comes with its words"),
        ("20ng", {"decoder.kind": "recurrent"}, "writes words in their order, which the corpus 20ng has not; --decoder=bag_of_words"),
        ("ptb", {"data.modality": "pixels"}, "data.modality = pixels: the corpus ptb has words"),
        ("mnist", {"data.modality": "words"}, "data.modality = words: the corpus mnist has pixels"),
        ("mnist", {"encoder.kind": "residual", "encoder.kernel_size": 2}, "config.encoder.kernel_size = 2: must be odd"),
        ("mnist", {"data.lowercase": True}, "its examples are pixels, which have binarize"),
        ("demo", {"data.binarize": "threshold"}, "its examples are words, which have"),
        ("mnist", {"objective.bag_of_words_weight": 1.0}, "it reads tokens, and its examples are pixels"),
        ("mnist", {"decoder.kind": "pixel_cnn", "decoder.kernel_size": 4}, "must be odd"),
        ("mnist", {"decoder.z_to_inputs": "none"}, "z would not reach the decoder"),
        ("demo", {"decoder.num_layers": 0}, "a recurrent decoder has at least 1"),
    ],
)  # fmt: skip
def test_parts_that_do_not_go_together_are_an_error_that_says_what_does(corpus, overrides, message):
    with pytest.raises(UserError, match=message):
        resolve("vae", corpus, overrides=overrides)


def test_a_kind_brings_what_suits_it_and_a_corpus_s_own_settings_stay_above_that():
    convolutions = resolve("skip_vae", "mnist", overrides={"encoder.kind": "residual", "decoder.kind": "pixel_cnn"})
    assert (convolutions.encoder.num_layers, convolutions.decoder.num_layers) == (3, 9)
    perceptrons = resolve("skip_vae", "mnist")
    assert (perceptrons.encoder.num_layers, perceptrons.decoder.num_layers, perceptrons.decoder.hidden_dim) == (2, 2, 1024)
    assert resolve("vae", "ptb", overrides={"encoder.kind": "bag_of_words"}).encoder.num_layers == 2


def test_the_kl_of_bags_of_words_weighs_from_the_start_whatever_the_corpus():
    kinds = {"encoder.kind": "bag_of_words", "decoder.kind": "bag_of_words"}
    assert resolve("dem_vae", "text", overrides=kinds).objective.schedule.kind == "constant"
    assert resolve("dem_vae", "text").objective.schedule.kind == "logistic"
    assert resolve("vae", "20ng", overrides={"objective.schedule.kind": "linear"}).objective.schedule.kind == "linear"


@pytest.mark.parametrize("corpus", CORPORA)
def test_what_a_corpus_sets_means_something_for_a_mixture(corpus):
    config = resolve("dem_vae", corpus)
    named = {path: reason_unused(config, path) for path in CORPORA[corpus]}
    assert not {path: reason for path, reason in named.items() if reason and not path.startswith("data.")}


@pytest.mark.parametrize("model", ["rnn_lm", "vae"])
def test_a_file_s_settings_must_fit_the_examples_too(model):
    settings = {"objective": {"bag_of_words_weight": 1.0}}
    with pytest.raises(UserError, match=r"config.objective.bag_of_words_weight means nothing for model"):
        resolve(model, "mnist" if model == "vae" else "demo", settings)


@pytest.mark.parametrize("encoder", ["perceptron", "residual"])
@pytest.mark.parametrize("decoder", ["perceptron", "pixel_cnn"])
def test_the_command_that_a_page_prints_trains_the_same(encoder, decoder):
    overrides = {"encoder.kind": encoder, "decoder.kind": decoder, "latent.dim": 20}
    config = resolve("skip_vae", "mnist", overrides=overrides)
    words = command_line(config).split()
    flags = dict(word.removeprefix("--config.").split("=") for word in words if word.startswith("--config."))
    assert resolve("skip_vae", "mnist", overrides=flags) == config
    assert len(flags) == 1 + (encoder != "perceptron") + (decoder != "perceptron")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"latent.kind": "gausian+discrete"}, "'gausian\\+discrete': must be one of .*, or several with \\+ .* mean 'gaussian'"),
        ({"latent.kind": "gaussian+"}, "'gaussian\\+': must be one of"),
        ({"latent.kind": "gaussian+gaussian"}, "gaussian\\+gaussian: a kind is named once"),
        ({"latent.kind": "discrete+mixture"}, "discrete and mixture both have codes, and one part may; leave one out"),
        ({"latent.kind": "point+discrete"}, "point has no distribution to stand beside others; leave it out"),
        ({"latent.kind": "gaussian+none"}, "none has no distribution to stand beside others; leave it out"),
        ({"latent.kind": "spherical+discrete", "latent.dim": 1}, "spheres of 2 dimensions or more"),
        ({"latent.kind": "discrete", "latent.dim": 3}, "its latent is discrete, which has variables, components, gumbel, temperature"),
        ({"latent.kind": "discrete", "objective.beta": 0.5}, "objective.beta means nothing for model dem_vae: its bound has no averaged"),
        ({"latent.kind": "discrete", "inference.kind": "code_heads"}, "the latent discrete takes no codes from heads of their own"),
        ({"latent.kind": "discrete", "latent.temperature": 0.0}, "config.latent.temperature = 0.0: must be above 0"),
        ({"latent.kind": "gaussian+discrete", "latent.values": 3}, "which has dim, batch_norm, minimum_kl, variables, components, gumbel"),
        ({"latent.temperature": 0.5}, "its latent is mixture, which has family, variables"),
        ({"latent.factors": 3}, "its latent is mixture, which has family, variables"),
        ({"latent.family": "categorical", "latent.dim": 3}, "its latent is mixture, which has .*values, factors"),
        ({"latent.family": "categoric"}, "'categoric' is not a family, did you mean 'categorical'"),
    ],
)  # fmt: skip
def test_latents_that_do_not_go_together_are_an_error_that_says_why(overrides, message):
    with pytest.raises(UserError, match=message):
        resolve("dem_vae", "demo", overrides=overrides)


def test_latents_side_by_side_take_what_each_takes_of_a_corpus():
    """The Gaussian has as many dimensions as the mixture's variables together, the codes as many variables."""
    latent = resolve("semi_vae", "smd").latent
    assert (latent.dim, latent.variables) == (48, 3)
    assert (resolve("semi_vae", "ptb").latent.dim, resolve("dvae", "ptb").latent.variables) == (40, 20)
    both = resolve("dem_vae", "smd", overrides={"latent.kind": "gaussian+mixture"}).latent
    assert (both.dim, both.variables) == (16, 3)


def test_the_variables_of_a_categorical_mixture_are_its_model_s_own():
    for corpus in ("daily_dialog", "smd", "demo"):
        latent = resolve("dcm_vae", corpus).latent
        assert (latent.variables, latent.factors, latent.values) == (1, 30, 8)
    assert resolve("dcm_vae", "daily_dialog").latent.components == 30


@pytest.mark.parametrize("kind", ["gaussian+discrete", "spherical+discrete", "gaussian+mixture", "gaussian+spherical"])
def test_the_model_of_kinds_joined_has_them_side_by_side(kind):
    vae = build_vae(resolve("vae", "demo", overrides={"latent.kind": kind}), {"vocabulary_size": 9})
    assert [part.name for part in vae.latent.parts] == kind.split("+")
    assert vae.decoder.z_dim == sum(part.size for part in vae.latent.parts)


@pytest.mark.parametrize("family", ["categorical", "bernoulli", "dirichlet", "gamma", "poisson"])
def test_components_may_be_of_every_family(family):
    config = resolve("gm_vae", "demo", overrides={"latent.family": family})
    latent = build_vae(config, {"vocabulary_size": 9}).latent
    z, codes = latent.sample_prior(3, tf.constant([1, 2]))
    assert z.shape == (3, latent.size) and codes.shape == (3, config.latent.variables)
    assert np.all(np.isfinite(latent.log_prior(z)))
