"""Files of an oracle that are not as it wrote them: one line says which."""

import json

import pytest

from tfvae.errors import UserError
from torture.damage import with_values
from tuning.search import Search, Tuner, settings_of
from tuning.space import TUNERS


def lacking(name):
    return lambda content: json.dumps({key: value for key, value in json.loads(content).items() if key != name}).encode()


NO_STATE = [*(lambda content, text=text: text for text in (b"", b"\xff", b"5", b"{}", b"[" * 100_000)), lambda content: content[:-9]]
SCALARS = (("trial_id", "0"), ("status", "x"), ("status", []), ("score", "x"))
DAMAGES = [
    *(("oracle.json", damage) for damage in NO_STATE),
    *(("oracle.json", with_values(**{name: 5})) for name in ("start_order", "ongoing_trials", "hyperparameters", "display", "run_times")),
    *(("oracle.json", with_values(**{name: ["0", [1]]})) for name in ("start_order", "end_order", "tried_so_far")),
    ("oracle.json", lacking("seed")),
    ("oracle.json", with_values(ongoing_trials={"tuner0": "9"})),
    ("oracle.json", with_values(hyperparameters={"space": 5, "values": {}})),
    *(("trial_1/trial.json", damage) for damage in NO_STATE),
    *(
        ("trial_1/trial.json", with_values(**{name: value}))
        for name, value in (("trial_id", "0"), ("status", "x"), ("status", []), ("score", "x"))
    ),
    *(("trial_1/trial.json", with_values(hyperparameters__values=value)) for value in (5, {"beta": "x"}, {"beta": [1]}, {"beta": None})),
    ("trial_1/trial.json", lacking("metrics")),
]


@pytest.fixture(scope="module")
def ended():
    """Keeps a search that ended, and what it wrote."""
    return {}


@pytest.fixture
def search(ended, prepare, trained, tmp_path):
    """A search that ended."""
    if not ended:
        made = prepare(tuner="random", trials=3, space="beta", name="whole")
        Tuner(made).run()
        files = {path.relative_to(made.path): path.read_bytes() for path in made.path.rglob("*") if path.is_file()}
        ended.update(search=made, files=files)
    for name, content in ended["files"].items():
        (tmp_path / "search" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "search" / name).write_bytes(content)
    return Search(tmp_path / "search", ended["search"].settings, ended["search"].objective)


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_a_damaged_file_of_an_oracle_is_named_in_one_line(search, name, damage):
    file = search.path / name
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError) as error:
        Tuner(search).run()
    said = str(error.value)
    assert (said.startswith(f"{file} is damaged") or "lacks trials" in said) and "begin anew with --overwrite" in said and "\n" not in said


@pytest.mark.parametrize("tuner", TUNERS)
def test_what_an_oracle_wrote_is_read_again(prepare, trained, tuner):
    settings = {"tuner": tuner, "trials": 0 if tuner == "hyperband" else 3, "space": "beta,components", "trial_epochs": 4}
    search = prepare(**settings)
    Tuner(search).run()
    again = Tuner(prepare(**settings, resume=True))
    assert again.run() and len(set(trained)) == len(trained)
    assert again.oracle.end_order == json.loads((search.path / "oracle.json").read_text())["end_order"]


def test_a_damaged_trial_that_another_goes_on_with_is_named(search):
    (search.path / "trial_0" / "trial.json").write_text("{")
    with pytest.raises(UserError, match=r"trial_0/trial\.json is damaged"):
        search.root("1", {"tuner/trial_id": "0"})


def test_a_place_where_nothing_can_be_made_is_one_line(config):
    settings, _ = settings_of(config("dem_vae"), "beta", "")
    told = r"--search=/proc/none cannot be made: .*; name a directory you may write to"
    with pytest.raises(UserError, match=told), Search.writing("/proc/none", settings):
        pass
    with pytest.raises(UserError, match=told):
        Search.prepare("/proc/none", settings)
