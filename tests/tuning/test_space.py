import json

import pytest

from tfvae.errors import UserError
from tuning.space import PARAMETERS, PRESETS, configure, current, is_active, kind, read_space


def names(space):
    return [parameter.name for parameter in space]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("dem_vae", {"beta", "components", "variables", "dim"}),
        ("dem_vmf_vae", {"beta", "kappa", "components", "variables", "dim"}),
        ("vmf_vae", {"kappa", "dim"}),
        ("vae", {"dim"}),
    ],
)
def test_a_preset_has_what_means_something_for_the_model(config, model, expected):
    space, left_out = read_space("standard", config(model))
    assert set(names(space)) == expected
    assert set(left_out) == set(PRESETS["standard"]) - expected and all(left_out.values())


def test_nothing_to_search_is_an_error(config):
    with pytest.raises(UserError, match="nothing to search for rnn_lm: beta: its prior is no mixture"):
        read_space("beta", config("rnn_lm"))


def test_ranges_lists_and_fields_are_read_from_the_command_line(config):
    beta, components, dim, select = read_space("beta=0.2:0.9, components=2|4|8, latent.dim=3:6, training.select=elbo|objective", config())[
        0
    ]
    assert (beta.low, beta.high, components.values, select.values) == (0.2, 0.9, (2, 4, 8), ("elbo", "objective"))
    assert (dim.low, dim.high, dim.scale, kind(dim)) == (3, 6, "linear", int)


def test_a_file_describes_a_space(config, tmp_path):
    described = {
        "learning_rate": {"low": 1e-4, "high": 1e-2},
        "schedule": {},
        "midpoint": {"low": 10, "high": 100, "scale": "linear"},
        "size": {"paths": ["encoder.hidden_dim"], "values": [8, 16]},
    }
    (tmp_path / "space.json").write_text(json.dumps({name: spread for name, spread in described.items() if name != "size"}))
    rate, schedule, midpoint = read_space(str(tmp_path / "space.json"), config())[0]
    assert (rate.low, rate.scale) == (1e-4, "log")
    assert schedule.values == PARAMETERS["schedule"].values
    assert midpoint.when == {"schedule": ("logistic",)} and is_active(midpoint, {"schedule": "logistic"})
    assert not is_active(midpoint, {"schedule": "constant"})


def test_a_condition_on_what_is_not_searched_is_dropped(config):
    [midpoint] = read_space("midpoint", config())[0]
    assert midpoint.when == {}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("betta", "'betta' is no parameter and no field of the configuration, did you mean 'beta'"),
        ("beta=0.9:0.2", "beta from 0.9 to 0.2: give a low that is below a high"),
        ("beta=0.1:1.5", r"config\.objective\.beta = 1\.5: must be at least 0 and at most 1"),
        ("components=two:8", "components = 'two': must be a whole number"),
        ("kappa=0:10", "kappa from 0.0: a log scale begins above 0"),
        ("training.select", "training.select has no range: list its values"),
        ("latent.dim", "latent.dim: give its range"),
        ("", "nothing to search"),
    ],
)
def test_what_cannot_be_searched_is_an_error(config, space, message):
    with pytest.raises(UserError, match=message):
        read_space(space, config("dem_vmf_vae"))


@pytest.mark.parametrize("content", ['{"beta": 3}', '{"beta": {"lo": 1}}', '{"beta": {"values": 0.5}}', '{"beta": {"when": 3}}', "[]", "{"])
def test_a_damaged_file_is_an_error(config, tmp_path, content):
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(UserError, match="--space"):
        read_space(str(tmp_path / "s.json"), config())


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"scheduled": ["logistic"]}, "when 'scheduled': no such parameter, did you mean 'schedule'"),
        ({"schedule": ["weekly"]}, "must be among the values listed for schedule"),
        ({"midpoint": [100]}, "must be among the values listed for midpoint"),
    ],
)
def test_conditions_that_cannot_hold_are_errors(config, tmp_path, when, message):
    described = {"schedule": {}, "midpoint": {"low": 10, "high": 100, "when": when}}
    (tmp_path / "space.json").write_text(json.dumps(described))
    with pytest.raises(UserError, match=message):
        read_space(str(tmp_path / "space.json"), config())


def test_values_reach_every_field_of_their_parameter(config):
    space, _ = read_space("hidden_dim=8|32,beta", config())
    changed = configure(config(), space, {"hidden_dim": 32, "beta": 0.25})
    assert (changed.encoder.hidden_dim, changed.decoder.hidden_dim, changed.decoder.embedding_dim, changed.objective.beta) == (
        32,
        32,
        32,
        0.25,
    )
    assert config().decoder.hidden_dim == 16


def test_a_configuration_inside_of_the_space_has_values_there(config):
    space, _ = read_space("beta,components,schedule,midpoint=100:500", config())
    assert current(config(), space) == {"beta": 0.8, "components": 4, "schedule": "logistic", "midpoint": 400}
    assert current(config(objective__schedule__kind="constant"), space) == {"beta": 0.8, "components": 4, "schedule": "constant"}
    assert current(config(), read_space("beta=0:0.5", config())[0]) is None


def test_values_are_clipped_to_the_range(config):
    components, beta = read_space("components,beta=0.2:0.9", config())[0]
    assert (components.clip(17), components.clip(5), beta.clip(0.1)) == (16, 5, 0.2)
    [skip] = read_space("decoder.z_to_output=true|false", config())[0]
    assert [skip.clip(value) for value in (1, 0)] == [True, False] and type(skip.clip(1)) is bool


@pytest.mark.parametrize("kind", ["logistic", "constant", "linear"])
def test_settings_of_a_schedule_are_searched_where_the_schedule_is(config, tmp_path, kind):
    described = {
        "schedule": {"values": ["logistic", "cyclical"]},
        "midpoint": {"low": 100, "high": 200},
        "objective.schedule.cycles": {"values": [2, 4], "when": {"schedule": ["cyclical"]}},
    }
    (tmp_path / "space.json").write_text(json.dumps(described))
    space, left_out = read_space(str(tmp_path / "space.json"), config(objective__schedule__kind=kind))
    assert names(space) == list(described) and left_out == {}
    alone = {name: described[name] for name in ("schedule", "midpoint")}
    alone["midpoint"]["when"] = {"schedule": ["cyclical"]}
    (tmp_path / "space.json").write_text(json.dumps(alone))
    assert "its schedule is cyclical" in read_space(str(tmp_path / "space.json"), config())[1]["midpoint"]


def test_a_condition_on_any_field_says_what_a_parameter_means_something_for(config, tmp_path):
    described = {
        "latent.family": {"values": ["gaussian", "von_mises_fisher"]},
        "kappa": {"low": 5.0, "high": 50.0, "when": {"latent.family": ["von_mises_fisher"]}},
    }
    (tmp_path / "space.json").write_text(json.dumps(described))
    space, left_out = read_space(str(tmp_path / "space.json"), config())
    assert names(space) == list(described) and left_out == {}
    assert "no sphere" in read_space("beta,kappa", config())[1]["kappa"]


@pytest.mark.parametrize("paths", [5, "latent.dim", [], [["latent.dim"]], {"latent.dim": 1}, ["latent.dims"], None])
def test_paths_that_are_no_list_of_fields_are_an_error(config, tmp_path, paths):
    (tmp_path / "space.json").write_text(json.dumps({"dim": {"paths": paths, "low": 2, "high": 3}}))
    with pytest.raises(UserError, match="--space: dim: paths must be a list of fields of the configuration, not "):
        read_space(str(tmp_path / "space.json"), config())


@pytest.mark.parametrize("field", ["model", "data.name", "training.epochs", "training.seed"])
def test_what_every_trial_shares_is_not_searched(config, field):
    with pytest.raises(UserError, match=f"{field} is not searched: give it to the search as a flag of its own"):
        read_space(f"{field}=1|2", config())
