import json

import pytest


@pytest.mark.slow
def test_smoke_goes_the_whole_path_and_best_json_trains(command, tmp_path):
    status, out, _ = command("tune", "--smoke", "--search=s", "--space=beta,kappa", "--trial_epochs=1", "--config.data.limit=60")
    assert status == 0
    assert "kappa is left out: its latent space is no sphere" in out and "best: trial" in out
    assert {"best.json", "trials.csv", "search.json", "pictures"} <= {path.name for path in (tmp_path / "s").iterdir()}
    assert (tmp_path / "s" / "trial_0" / "seed-0" / "model.weights.h5").exists()
    trial = "--run=s/trial_0/seed-0"
    assert command("generate", trial, "--num=2")[0] == 0
    assert command("train", f"--config_file={tmp_path / 's/trial_0/seed-0/config.json'}", trial, "--resume", "--epochs=2")[0] == 0
    assert command("train", "--config_file=s/best.json", "--run=r")[0] == 0
    beta = json.loads((tmp_path / "s" / "best.json").read_text())["objective"]["beta"]
    assert json.loads((tmp_path / "r" / "config.json").read_text())["objective"]["beta"] == beta


def test_mistakes_are_told_in_a_line(refuse):
    assert "--role=boss is not a role" in refuse("tune", "--role=boss")
    assert "--minutes=-1.0: must be at least 0" in refuse("tune", "--minutes=-1")
    assert "'betta' is no parameter" in refuse("tune", "--space=betta")
    assert "--trails is not a flag, did you mean 'trials'" in refuse("tune", "--trails=3")
    assert "--search is missing" in refuse("tune", "--role=worker")
    assert "homogeneity always answers the largest K; take ami.<label>" in refuse("tune", "--objective=homogeneity")
    assert "training.epochs is not searched" in refuse("tune", "--space=training.epochs=2|4")
    assert "no search is there" in refuse("tune", "--role=worker", "--search=nowhere")
    assert "--workers starts a chief" in refuse("tune", "--role=chief", "--workers=2")


@pytest.mark.slow
def test_a_search_whose_trials_all_fail_ends_with_status_2(refuse):
    line = refuse("tune", "--smoke", "--space=beta", "--config.training.learning_rate=1e30", "--config.training.clip_norm=0", "--search=s")
    assert "no trial was completed, 2 failed: the" in line and "training stopped" in line


def test_time_that_is_over_is_said(command):
    status, out, err = command("tune", "--smoke", "--space=beta", "--minutes=0.000001", "--search=s")
    assert status == 2 and "time was over" in out and "add --resume to go on" in out
    assert "no trial was completed, 0 failed and none ended: give it more time" in err


def test_help_says_which_objective_answers_which_question(command):
    out = " ".join(command("tune", "--help")[1].split())
    assert "always answers beta = 0 and the smallest kappa" in out and "leans to the largest K" in out
    assert "Homogeneity always answers the largest K" in out
