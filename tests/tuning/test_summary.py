import csv
import io
import json

import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tfvae.config import Config
from tuning.pictures import draw, pareto_front
from tuning.search import Tuner
from tuning.summary import Display, line, table, write_files
from tuning.trial import COMPLETED, FAILED, STOPPED, Result


@pytest.fixture
def search(prepare, trained):
    """A search of four trials, of which one was stopped early and one failed."""
    search = prepare(tuner="random", trials=4, space="beta,components,schedule=logistic|constant")
    Tuner(search).run()
    results = search.results()
    Result(STOPPED, results["2"].values, 0.001, results["2"].figures, remark="worse than others").save(search.directory("2"))
    Result(FAILED, results["3"].values, remark="the loss became nan").save(search.directory("3"))
    return search


def test_files_have_every_trial_and_the_best_configuration(search):
    results = search.results()
    write_files(search, results)
    rows = list(csv.DictReader(io.StringIO((search.path / "trials.csv").read_text())))
    assert [row["status"] for row in rows] == [COMPLETED, COMPLETED, STOPPED, FAILED]
    assert float(rows[1]["beta"]) == results["1"].values["beta"] and rows[3]["score"] == "" and rows[3]["remark"] == "the loss became nan"
    best = min(results["0"], results["1"], key=lambda result: result.score)
    chosen = Config.from_dict(json.loads((search.path / "best.json").read_text()))
    assert chosen.objective.beta == best.values["beta"] and chosen.model == "dem_vae"


def test_the_table_marks_the_best_trial_and_says_why_one_failed(search):
    console = Console(record=True, width=200)
    console.print(table(search))
    text = console.export_text()
    assert text.count("*") == 1 and "failed: the loss became nan" in text and "stopped early: worse than others" in text
    assert "failed: the loss became nan" in line(search, "3", search.results()["3"])


def test_a_trial_under_way_shows_its_epoch(search):
    (search.directory("1") / "result.json").unlink()
    run = search.directory("1") / "seed-0"
    run.mkdir()
    (run / "metrics.jsonl").write_text('{"epoch": 1}\n')
    console = Console(record=True, width=200)
    console.print(table(search))
    assert "epoch 2 of 2" in console.export_text()


def test_each_end_of_a_trial_is_told_once_and_reaches_tensorboard(search):
    told = []
    with Display(search, Console(file=io.StringIO()), told.append) as display:
        display.update()
        assert told == [], "results that were there before are not told"
        (search.directory("0") / "result.json").rename(search.path / "kept.json")
    with Display(search, Console(file=io.StringIO()), told.append) as display:
        (search.path / "kept.json").rename(search.directory("0") / "result.json")
        display.update()
        display.update()
    assert len(told) == 1 and told[0].startswith("trial 0 (beta=0.8, components=4, schedule=logistic): completed, score 0.2500")
    events = EventAccumulator(str(search.path / "hparams" / "trial_0")).Reload()
    assert "tuning/score" in events.Tags()["tensors"]
    assert "_hparams_/session_start_info" in events.summary_metadata


def test_a_terminal_shows_the_table_as_it_grows(search):
    stream = io.StringIO()
    with Display(search, Console(file=stream, force_terminal=True, width=200), print) as display:
        display.update()
        display.live.refresh()
    shown = stream.getvalue()
    assert "dem_vae on demo" in shown and "stopped early: worse than others" in shown and "failed: the loss became nan" in shown


def test_trials_are_in_the_order_of_their_numbers(search):
    search.directory("0").rename(search.path / "trial_10")
    assert search.begun() == ["1", "2", "3", "10"] and list(search.results()) == ["1", "2", "3", "10"]


def test_hyperband_s_trials_show_how_far_the_run_is_that_they_go_on_with(search):
    (search.directory("0") / "seed-0").mkdir()
    (search.directory("0") / "seed-0" / "metrics.jsonl").write_text('{"epoch": 1}\n{"epoch": 2}\n')
    (search.directory("1") / "result.json").unlink()
    state = json.loads((search.directory("1") / "trial.json").read_text())
    for epochs, progress in ((6, "epoch 3 of 6"), (2, "is measured")):
        state["hyperparameters"]["values"] |= {"tuner/trial_id": "0", "tuner/epochs": epochs}
        (search.directory("1") / "trial.json").write_text(json.dumps(state))
        console = Console(record=True, width=200)
        console.print(table(search))
        assert progress in console.export_text()


def test_pictures_are_drawn_of_what_there_is(search):
    files = draw(search, search.results())
    assert {file.stem for file in files} == {"objective-beta", "objective-components", "objective-schedule", "parallel", "pareto"}
    assert all(file.stat().st_size > 5000 and file.with_suffix(".svg").exists() for file in files)
    assert draw(search, {"3": search.results()["3"]}) == []


def test_the_front_is_what_no_other_beats_in_both():
    points = [(1.0, 0.1), (2.0, 0.5), (1.5, 0.05), (3.0, 0.5), (2.5, 0.9), (1.0, 0.0)]
    assert pareto_front(points) == [(1.0, 0.1), (2.0, 0.5), (2.5, 0.9)]
