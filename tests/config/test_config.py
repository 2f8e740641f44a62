import dataclasses
import json

import pytest

from tfvae.config import Config, coerce, describe_fields, overlay, read_json
from tfvae.errors import UserError


def test_a_configuration_round_trips_through_json():
    config = Config.from_dict({"latent": {"dim": 7}, "objective": {"schedule": {"kind": "linear"}}, "model": "vae"})
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.latent.dim == 7 and config.objective.schedule.kind == "linear"


def test_flat_and_overlay_are_inverses():
    config = Config()
    assert overlay(config.flat()) == config.to_dict()


def test_every_field_is_described_with_its_default():
    described = describe_fields()
    assert set(described) == set(Config().flat())
    assert described["latent.components"].startswith("components K") and "default 5" in described["latent.components"]
    assert "one of" in described["decoder.z_to_inputs"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"latent": {"components": 0}}, r"config.latent.components = 0: must be at least 1"),
        ({"latent": {"kappa": 0}}, r"config.latent.kappa = 0.0: must be above 0"),
        ({"latent": {"kappa": -1}}, "must be above 0"),
        ({"objective": {"beta": 1.5}}, r"config.objective.beta = 1.5: must be at least 0 and at most 1"),
        ({"objective": {"beta": -0.1}}, "must be at least 0 and at most 1"),
        ({"objective": {"beta": float("nan")}}, "objective.beta"),
        ({"latent": {"kind": "gausian"}}, "did you mean 'gaussian'"),
        ({"latent": {"dims": 5}}, "config.latent.dims is not a field of the configuration, did you mean 'dim'"),
        ({"latent": 5}, "config.latent = 5: must be an object"),
        ({"training": {"epochs": 10**20 - 1}}, r"config.training.epochs = 9{20}: must be at most 2147483647"),
        ({"training": {"epochs": 10**4000}}, r"config.training.epochs = \[...\]: must be at most 2147483647"),
        ({"training": {"preset": []}}, r"config.training.preset = \[\]: must be text"),
        ({"data": {"dir": "a\0b"}}, "must be text, without NUL and in Unicode"),
        ({"data": {"dir": "a\udcffb"}}, "must be text, without NUL and in Unicode"),
        ({"latent": {"dim": 2.5}}, "config.latent.dim = 2.5: must be a whole number"),
        ({"latent": {"dim": "two"}}, "config.latent.dim = 'two': must be a whole number"),
        ({"latent": {"dim": True}}, "must be a whole number"),
        ({"decoder": {"z_to_output": 3}}, "must be true or false"),
        ({"decoder": {"embedding_dim": 3}}, "tied_embeddings needs embedding_dim = hidden_dim"),
        ({"latent": {"family": "von_mises_fisher", "dim": 1}}, "spheres of 2 dimensions or more"),
        ({"data": {"name": 3}}, "config.data.name = 3: must be text"),
    ],
)
def test_what_is_not_admitted_is_named(values, message):
    with pytest.raises(UserError, match=message):
        Config.from_dict(values)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [("5", int, 5), ("0.5", float, 0.5), (3, float, 3.0), ("false", bool, False), ("YES", bool, True), ("x", str, "x")],
)
def test_text_of_a_command_line_becomes_the_field_s_type(value, kind, expected):
    result = coerce("config.x", value, kind)
    assert result == expected and type(result) is kind


@pytest.mark.parametrize(
    ("content", "message"), [("{", "is not valid JSON"), ("[1]", "must hold an object"), (None, "no such file; check --config_file")]
)
def test_a_bad_configuration_file_is_named(tmp_path, content, message):
    path = tmp_path / "c.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_json(str(path))


def test_fields_are_plain_values():
    assert all(isinstance(value, (bool, int, float, str)) for value in Config().flat().values())
    assert all(
        dataclasses.is_dataclass(getattr(Config(), name)) for name in ("data", "encoder", "latent", "decoder", "objective", "training")
    )


def test_a_json_file_that_is_nested_too_deeply_is_refused(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(UserError, match=r"deep.json is not valid JSON"):
        read_json(str(path))
