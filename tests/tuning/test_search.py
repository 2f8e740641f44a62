import fcntl
import functools
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings

import pytest

from tfvae.errors import UserError
from tfvae.training.lock import Held, writing
from tuning import oracles
from tuning import trial as trial_module
from tuning.oracles import hyperparameters
from tuning.pictures import draw
from tuning.search import Search, Tuner, best_config
from tuning.space import TUNERS, read_space
from tuning.summary import write_files, write_hparams
from tuning.trial import COMPLETED, FAILED, STOPPED, OutOfTime, Protocol, Result, best, run_trial


@pytest.mark.parametrize("tuner", TUNERS)
def test_each_tuner_runs_its_trials_within_the_space(prepare, trained, tuner):
    search = prepare(tuner=tuner, trials=9, space="beta=0.1:0.9,components=2:6")
    assert Tuner(search).run()
    results = search.results()
    assert len(results) == (9 if tuner != "hyperband" else len(results)) >= 2
    assert all(0.1 <= result.values["beta"] <= 0.9 and 2 <= result.values["components"] <= 6 for result in results.values())
    assert json.loads((search.path / "oracle.json").read_text())["end_order"]


def test_the_first_trial_is_the_configuration_itself(prepare, trained):
    search = prepare(tuner="random", trials=2)
    Tuner(search).run()
    assert search.results()["0"].values == {"beta": 0.8, "components": 4}


def test_bayesian_search_comes_closer_to_the_optimum_than_its_first_trials(prepare, trained):
    search = prepare(space="beta", trials=14)
    Tuner(search).run()
    scores = [result.score for _, result in sorted(search.results().items())]
    assert min(scores[4:]) < 1e-3 and min(scores[4:]) <= min(scores[:4])


def test_hyperband_goes_on_with_the_runs_of_good_trials(prepare, trained):
    search = prepare(tuner="hyperband", trials=0, trial_epochs=9, space="beta")
    Tuner(search).run()
    results = search.results()
    assert {result.epochs for result in results.values()} == {1, 3, 9}
    for name, result in results.items():
        given = json.loads((search.directory(name) / "trial.json").read_text())["hyperparameters"]["values"]
        assert result.epochs == given["tuner/epochs"], "a longer trial has written over a shorter one's result"
    assert sum(" on trial_" in name for name in trained) >= 4, "no run was gone on with"


def test_hyperband_refuses_fewer_trials_than_its_first_bracket_has(prepare):
    with pytest.raises(UserError, match=r"--trials=5: hyperband's first bracket, up to 9 epochs, has \d+; fewer would end"):
        Tuner(prepare(tuner="hyperband", trials=5, trial_epochs=9))


def test_no_values_are_tried_twice(prepare, trained):
    search = prepare(space="components=2|4|8", trials=12)
    assert Tuner(search).run()
    assert sorted(result.values["components"] for result in search.results().values()) == [2, 4, 8]


def test_trials_under_way_are_guessed_on_the_scale_of_those_that_ended(prepare, trained):
    oracle = Tuner(prepare(space="beta", trials=6)).oracle
    for i in range(5):
        trial = oracle.create_trial(f"t{i}")
        if i < 4:
            oracle.update_trial(trial.trial_id, {"score": 70.0 + i})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, y = oracle._vectorize_trials()
    assert len(y) == 5 and 60 < y[-1] < 90


def test_conditions_are_conditions_of_keras_tuner(config):
    space, _ = read_space("beta,schedule=logistic|constant,midpoint=100:500", config())
    made = hyperparameters([space[2], space[0], space[1]], config())
    names = [parameter.name for parameter in made.space]
    assert names.index("schedule") < names.index("midpoint")
    [midpoint] = [parameter for parameter in made.space if parameter.name == "midpoint"]
    assert [(condition.name, condition.values) for condition in midpoint.conditions] == [("schedule", ["logistic"])]


def test_a_directory_that_another_process_holds_is_not_written_to(tmp_path, monkeypatch, prepare):
    monkeypatch.setattr(trial_module, "_PATIENCE", 0.2)
    (tmp_path / "trial_0").mkdir()
    with (tmp_path / "trial_0" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        told = []
        with pytest.raises(Held, match="is held by another process"):
            run_trial(None, {}, tmp_path / "trial_0", prepare().protocol, say=told.append)
        assert "waiting" in told[0]


def test_a_search_that_was_killed_goes_on(prepare, trained, monkeypatch):
    """Ended trials are not run again, whatever of KerasTuner's files the kill left behind."""
    search = prepare(tuner="random", trials=6)
    execute, count = Search.execute, []

    def dies(self, trial, **more):
        count.append(trial.trial_id)
        if len(count) == 4:
            raise KeyboardInterrupt
        return execute(self, trial, **more)

    monkeypatch.setattr(Search, "execute", dies)
    with pytest.raises(KeyboardInterrupt):
        Tuner(search).run()
    state = json.loads((search.path / "oracle.json").read_text())
    state["end_order"], state["ongoing_trials"] = state["end_order"][:-1], {"tuner0": "2"}  # a kill between trial.json and oracle.json
    (search.path / "oracle.json").write_text(json.dumps(state))
    monkeypatch.setattr(Search, "execute", execute)
    first = search.results()
    assert Tuner(prepare(tuner="random", trials=6, resume=True)).run()
    assert trained == [f"trial_{i}" for i in range(6)], "a trial was lost or run twice"
    assert {name: search.results()[name] for name in first} == first


@pytest.mark.slow
def test_a_kill_at_any_write_loses_no_finished_trial_and_runs_none_again(prepare, trained, monkeypatch):
    """A kill just before each file that a search of three trials writes is there, which is just after the one before."""
    writes = {module: module.write_text for module in (oracles, trial_module)}
    for kill in range(100):
        count = []

        def dies(module, *arguments, count=count, kill=kill):
            count.append(arguments)
            if len(count) == kill + 1:
                raise KeyboardInterrupt
            writes[module](*arguments)

        trained.clear()
        search = prepare(tuner="random", trials=3, space="beta", name=f"search-{kill}")
        with monkeypatch.context() as patch:
            for module in writes:
                patch.setattr(module, "write_text", functools.partial(dies, module))
            try:
                Tuner(search).run()
            except KeyboardInterrupt:
                pass
            else:
                break  # it wrote no more than that
        finished = {name: (search.directory(name) / "result.json").read_bytes() for name in search.results()}
        trained.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # KerasTuner's, of a trial that has its figures already
            assert Tuner(prepare(tuner="random", trials=3, space="beta", name=f"search-{kill}", resume=True)).run()
        assert not {f"trial_{name}" for name in finished} & set(trained), (kill, trained)
        assert [result.status for result in search.results().values()] == [COMPLETED] * 3
        assert all((search.directory(name) / "result.json").read_bytes() == content for name, content in finished.items())
    assert kill > 10


def test_a_search_whose_trials_are_gone_is_told(prepare, trained):
    search = prepare(tuner="random", trials=2)
    Tuner(search).run()
    shutil.rmtree(search.directory("1"))
    with pytest.raises(UserError, match=r"lacks trials \(1\): begin anew with --overwrite"):
        Tuner(prepare(tuner="random", trials=2, resume=True))


def test_the_oracle_hears_the_worst_score_of_a_trial_that_was_stopped(prepare, trained):
    search = prepare(tuner="random", trials=2)
    Tuner(search).run()
    worst = max(result.score for result in search.results().values())
    assert search.told(Result(STOPPED, {}, worst - 100)) == worst
    assert search.told(Result(STOPPED, {}, worst + 100)) == worst + 100
    assert search.told(Result(COMPLETED, {}, worst - 100)) == worst - 100


def test_a_field_of_true_and_false_is_searched(prepare, trained):
    search = prepare(tuner="random", trials=2, space="decoder.z_to_output=true|false")
    assert Tuner(search).run()
    assert {result.values["decoder.z_to_output"] for result in search.results().values()} == {True, False}


def test_whole_numbers_on_a_log_scale_stay_within_their_range(prepare, trained, monkeypatch):
    oracle = Tuner(prepare(space="components=2:3", trials=6)).oracle
    oracle.first, above = None, {"status": "RUNNING", "values": {"components": 4}}
    monkeypatch.setattr(oracles.keras_tuner.oracles.BayesianOptimizationOracle, "populate_space", lambda *_: above)
    assert oracle.populate_space("0")["values"] == {"components": 3}


def test_a_trial_that_no_tuner_heard_of_is_forgotten(prepare, trained):
    search = prepare(tuner="random", trials=3)
    Tuner(search).run()
    stray = json.loads((search.path / "trial_2" / "trial.json").read_text()) | {"trial_id": "9", "status": "RUNNING"}
    (search.path / "trial_9").mkdir()
    (search.path / "trial_9" / "trial.json").write_text(json.dumps(stray))
    assert Tuner(prepare(tuner="random", trials=4, resume=True)).run()
    assert trained == [f"trial_{i}" for i in range(4)]


def test_failed_trials_end_themselves_alone(prepare, monkeypatch):
    from tuning import search as module

    def run_trial(config, values, directory, protocol, **more):
        result = Result(FAILED, values, remark="the loss became nan") if values["beta"] > 0.5 else Result(COMPLETED, values, values["beta"])
        result.save(directory)
        return result

    monkeypatch.setattr(module, "run_trial", run_trial)
    search = prepare(tuner="random", trials=12)
    Tuner(search).run()
    results = search.results()
    statuses = [result.status for result in results.values()]
    assert len(statuses) == 12 and 0 < statuses.count(FAILED) < 12
    assert results[best(results, search.objective)].status == COMPLETED
    for name, result in results.items():
        assert json.loads((search.directory(name) / "trial.json").read_text())["status"] == result.status.upper()


def test_values_that_do_not_go_together_fail_their_trial(prepare, trained):
    search = prepare(space="beta,decoder.embedding_dim=16|32", tuner="random", trials=6)
    Tuner(search).run()
    failed = [result for result in search.results().values() if result.status == FAILED]
    assert failed and all("tied_embeddings needs embedding_dim = hidden_dim" in result.remark for result in failed)


def test_a_search_is_never_replaced_or_gone_on_with_by_accident(prepare, trained, tmp_path):
    Tuner(prepare(trials=1)).run()
    with pytest.raises(UserError, match="a search is there already; add --resume to go on with it, --overwrite to replace it"):
        prepare(trials=1)
    with pytest.raises(UserError, match="differs from this search in space, samples"):
        prepare(trials=1, space="beta", samples=3, resume=True)
    with pytest.raises(UserError, match="contradict"):
        prepare(trials=1, resume=True, overwrite=True)
    assert prepare(trials=2, resume=True).settings.trials == 2
    prepare(trials=1, overwrite=True)
    assert not list((tmp_path / "search").glob("trial_*"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    with pytest.raises(UserError, match="holds something else, which stays as it is"):
        prepare(name="other", overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file: name a directory"):
        prepare(name="file")


@pytest.mark.parametrize("content", ["{}", "[" * 100_000, "[]", '{"versions": {"tfvae": "1"}}'])
def test_a_directory_that_nothing_says_is_a_search_s_is_left_as_it_is(prepare, tmp_path, content):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "search.json").write_text(content)
    (tmp_path / "p" / "notes").write_text("mine")
    with pytest.raises(UserError, match="the directory holds something else, which stays as it is"):
        prepare(name="p", overwrite=True)
    assert (tmp_path / "p" / "notes").read_text() == "mine" and (tmp_path / "p" / "search.json").read_text() == content


def test_a_search_is_replaced_and_what_else_is_there_stays(prepare, trained, tmp_path):
    search = prepare(trials=2)
    Tuner(search).run()
    write_files(search, search.results())
    draw(search, search.results())
    write_hparams(search, "0", search.results()["0"])
    (search.path / "workers").mkdir()
    (search.path / "workers" / "worker0.log").write_text("")
    for name in ("notes", "trial_1/notes", "trial_1/seed-0/notes"):
        (search.path / name).parent.mkdir(exist_ok=True)
        (search.path / name).write_text("mine")
    (search.path / "trial_1" / "seed-0" / "metrics.jsonl").write_text("")
    prepare(trials=2, overwrite=True)
    left = {path.relative_to(search.path).as_posix() for path in search.path.rglob("*")}
    assert left == {"search.json", "notes", "trial_1", "trial_1/notes", "trial_1/seed-0", "trial_1/seed-0/notes"}


def test_a_search_that_another_process_writes_is_not_searched_but_by_its_workers(prepare, trained, tmp_path):
    search = prepare(trials=1)
    with writing(search.path):
        told = rf"search is held by another process \(process {os.getpid()} on "
        with pytest.raises(Held, match=told), Search.writing(search.path, search.settings, resume=True):
            pytest.fail("two search at once")
        assert Tuner(Search.open(search.path)).run(), "a worker takes no lock of the search"
    with writing(search.directory("0")), pytest.raises(Held):
        prepare(trials=1, overwrite=True)
    with Search.writing(search.path, search.settings, overwrite=True) as again:
        assert not again.results()


def test_a_trial_whose_run_another_process_trains_has_not_failed(measured, tmp_path):
    config, _, protocol, _ = measured
    (tmp_path / "trial_0" / "seed-0").mkdir(parents=True)
    with writing(tmp_path / "trial_0" / "seed-0"), pytest.raises(Held):
        run_trial(config, {"beta": 0.8}, tmp_path / "trial_0", protocol)
    assert Result.load(tmp_path / "trial_0") is None


def test_a_directory_is_opened_as_it_was_prepared(prepare, tmp_path):
    search = prepare(space="beta,schedule,midpoint", trials=3, executions=2)
    again = Search.open(search.path)
    assert again.settings == search.settings and again.protocol == search.protocol
    with pytest.raises(UserError, match="no search is there"):
        Search.open(tmp_path)
    (search.path / "search.json").write_text("{}")
    with pytest.raises(UserError, match=r"search\.json is damaged"):
        Search.open(search.path)


@pytest.mark.parametrize(
    "content", [b"\xff", b"[" * 100_000, b"5", b'{"status": 5}', b'{"status": "completed", "values": {}, "figures": [1]}']
)
def test_a_damaged_result_is_named(tmp_path, content):
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(UserError, match=r"result\.json is damaged.*; delete it, and --resume makes it again"):
        Result.load(tmp_path)


@pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000, b'{"versions": {}, "config": {"model": null}}'])
def test_a_damaged_search_is_named(tmp_path, content):
    (tmp_path / "search.json").write_bytes(content)
    with pytest.raises(UserError, match=r"search\.json.*put it back as the search wrote it"):
        Search.open(tmp_path)


def test_a_figure_that_is_no_number_is_null_in_a_result(tmp_path):
    Result(COMPLETED, {"beta": 0.1}, 1.0, {"nll_iw": math.inf}).save(tmp_path)
    assert json.loads((tmp_path / "result.json").read_text(), parse_constant=pytest.fail)["figures"] == {"nll_iw": None}
    assert math.isnan(Result.load(tmp_path).figures["nll_iw"])


def test_settings_that_mean_nothing_are_errors(prepare):
    for fields, message in (({"tuner": "grid"}, "--tuner=grid is not a tuner"), ({"trials": 0}, "--trials=0: must be at least 1")):
        with pytest.raises(UserError, match=message):
            prepare(**fields)


def test_time_that_is_over_leaves_trials_for_later(prepare, trained):
    search = prepare(trials=3)
    assert not Tuner(search, deadline=time.time() - 1).run()
    assert not search.results()
    assert Tuner(prepare(trials=3, resume=True)).run()


def test_the_best_configuration_has_the_full_length(prepare, trained):
    search = prepare(trials=1, trial_epochs=1)
    Tuner(search).run()
    chosen = best_config(search, {"beta": 0.25, "components": 3})
    assert (chosen.objective.beta, chosen.latent.components, chosen.training.epochs) == (0.25, 3, 2)


def test_the_best_trial_is_a_completed_one(prepare):
    low, high = prepare(name="low").objective, prepare(name="high", objective="use").objective
    results = {"0": Result(STOPPED, {}, 0.0), "1": Result(COMPLETED, {}, 2.0), "2": Result(COMPLETED, {}, 1.0), "3": Result(FAILED, {})}
    assert (best(results, low), best(results, high)) == ("2", "1")
    assert best({"3": Result(FAILED, {})}, low) is None


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A trial of two seeds that was really trained: its directory, its protocol and its result."""
    from tfvae.cli.model import SMOKE
    from tfvae.registry import resolve
    from tuning.objective import read_objective

    config = resolve("dem_vae", "demo", base={**SMOKE, "data.limit": 100})
    objective = read_objective("", {"codes": True, "density": True, "prior": True, "size": True}, {})
    protocol = Protocol(objective, executions=2, samples=3, sentences=20)
    directory = tmp_path_factory.mktemp("search") / "trial_0"
    with pytest.raises(OutOfTime):
        run_trial(config, {"beta": 0.8}, directory, protocol, deadline=time.time() - 1)
    assert Result.load(directory) is None
    return config, directory, protocol, run_trial(config, {"beta": 0.8}, directory, protocol)


def test_a_trial_is_run_directories_one_a_seed(measured):
    _, directory, protocol, result = measured
    assert result == Result.load(directory)
    assert result.status == COMPLETED and result.epochs == 4
    assert result.deviation > 0 and math.isfinite(result.score)
    assert result.score == pytest.approx(protocol.objective(result.figures))
    assert set(trial_module.USUAL) == set(result.figures)
    assert "w ended at 0.0" in result.remark
    for seed in (0, 1):
        assert json.loads((directory / f"seed-{seed}" / "config.json").read_text())["training"]["seed"] == seed


def test_a_result_that_is_there_is_not_made_again(measured, monkeypatch):
    config, directory, protocol, result = measured
    monkeypatch.setattr(trial_module, "fit", None)
    assert run_trial(config, {"beta": 0.8}, directory, protocol) == result


def test_a_loss_that_is_no_number_fails_the_trial(measured, tmp_path):
    config, _, protocol, _ = measured
    wild = type(config).from_dict(config.to_dict())
    wild.training.learning_rate, wild.training.clip_norm = 1e30, 0.0
    result = run_trial(wild, {"beta": 0.8}, tmp_path / "trial_1", protocol)
    assert result.status == FAILED and result.score is None and "training stopped" in result.remark


@pytest.mark.slow
def test_a_hopeless_trial_is_stopped_half_way_and_stays_so(measured, tmp_path):
    config, _, protocol, _ = measured
    for number in range(3):
        (tmp_path / f"trial_{number}").mkdir()
        (tmp_path / f"trial_{number}" / "half.json").write_text(json.dumps({"epoch": 1, "value": -100.0}))
    result = run_trial(config, {"beta": 0.8}, tmp_path / "trial_3", protocol)
    assert result.status == STOPPED and result.epochs == 1
    assert "after epoch 1, worse than the median of 3 others" in result.remark
    (tmp_path / "trial_3" / "result.json").unlink()  # killed before it was written
    again = run_trial(config, {"beta": 0.8}, tmp_path / "trial_3", protocol)
    assert (again.status, again.epochs, again.score) == (STOPPED, 1, result.score)


@pytest.mark.slow
def test_a_killed_search_loses_no_finished_trial_and_runs_none_again(tmp_path):
    """SIGKILL in the middle of the second trial; --resume ends with the trials of a search that was not killed."""
    command = [sys.executable, "-m", "tfvae.cli.tune", "--smoke", "--tuner=random", "--space=beta", "--trials=3", "--config.data.limit=60"]
    command += [f"--search={tmp_path / 's'}"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    second = tmp_path / "s" / "trial_1" / "seed-0" / "metrics.jsonl"
    end = time.monotonic() + 300
    while not second.exists() and time.monotonic() < end and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = (tmp_path / "s" / "trial_0" / "result.json").read_bytes()
    answer = subprocess.run([*command, "--resume"], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "s" / "trial_0" / "result.json").read_bytes() == finished
    whole = [*command[:-1], f"--search={tmp_path / 'whole'}"]
    subprocess.run(whole, env=environment, capture_output=True, check=True)
    for number in range(3):
        scores = [json.loads((tmp_path / name / f"trial_{number}" / "result.json").read_text())["score"] for name in ("s", "whole")]
        assert scores[0] == pytest.approx(scores[1], rel=1e-5)
    assert "trial 1 (" in answer.stdout and "trial 0 (" not in answer.stdout
