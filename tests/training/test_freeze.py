import pytest

from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.modalities.words import Words
from tfvae.models.build import build_vae
from tfvae.models.model import Model
from tfvae.registry import resolve
from tfvae.training.initialize import freeze


def made(freeze, parts="encoder,latent", init_from="run"):
    config = resolve("dem_vae", "demo", base={"encoder.hidden_dim": 4, "decoder.hidden_dim": 6, "decoder.embedding_dim": 6})
    config.training.freeze, config.training.init_from, config.training.init_parts = freeze, init_from, parts
    return Model(Words(Vocabulary(["a"])), build_vae(config, {"vocabulary_size": 5})), config


def test_parts_that_are_named_do_not_learn_and_others_do():
    model, config = made("encoder, latent")
    freeze(model, config)
    assert not model.vae.encoder_variables and not model.vae.latent.trainable_variables
    assert {id(variable) for variable in model.vae.trainable_variables} == {
        id(variable) for variable in model.vae.decoder.trainable_variables
    }
    model, config = made("")
    freeze(model, config)
    assert len(model.vae.trainable_variables) == len(model.vae.trainable_weights) and model.vae.encoder_variables


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"freeze": "encoder,poetry"}, "'poetry' is not a part"),
        ({"freeze": "decoder"}, "nothing has taught the decoder: name it in --parts"),
        ({"freeze": "encoder", "init_from": ""}, "nothing has taught the encoder"),
        ({"freeze": "encoder,latent,decoder", "parts": "encoder,latent,decoder"}, "nothing is left to learn"),
    ],
)
def test_what_cannot_be_frozen_is_told(settings, message):
    model, config = made(**settings)
    with pytest.raises(UserError, match=rf"^config\.training\.freeze = .*{message}"):
        freeze(model, config)
