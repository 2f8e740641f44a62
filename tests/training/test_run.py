import json
import math

import pytest

from tfvae.errors import UserError
from tfvae.registry import resolve
from tfvae.training.run import Run


def test_metrics_are_read_back_without_a_line_that_was_cut_short(tmp_path):
    run = Run(tmp_path)
    run.append_metrics({"epoch": 1, "loss": 2.0})
    with run.metrics_file.open("a") as file:
        file.write('{"epoch": 2, "lo')
    assert run.read_metrics() == [{"epoch": 1, "loss": 2.0}]


def test_a_figure_that_is_no_number_is_null_and_read_as_none(tmp_path):
    run = Run(tmp_path)
    run.append_metrics({"epoch": 1, "val_perplexity": math.inf, "val_component_use": [[math.nan, 1.0]], "val_loss": 1.3e48})
    run.keep_epochs(1)
    text = run.metrics_file.read_text()
    assert json.loads(text, parse_constant=pytest.fail)["val_loss"] == 1.3e48 and text.count("null") == 2
    [line] = run.read_metrics()
    assert math.isnan(line["val_perplexity"]) and math.isnan(line["val_component_use"][0][0])


def test_only_whole_epochs_are_kept(tmp_path):
    run = Run(tmp_path)
    run.snapshot_dir.mkdir()
    for epoch in (1, 2, 3):
        run.append_metrics({"epoch": epoch})
        (run.snapshot_dir / f"epoch-{epoch:05d}.npz").write_bytes(b"")
    run.keep_epochs(2)
    assert [line["epoch"] for line in run.read_metrics()] == [1, 2]
    assert sorted(path.name for path in run.snapshot_dir.iterdir()) == ["epoch-00001.npz", "epoch-00002.npz"]


def test_a_damaged_configuration_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config.json is damaged: not valid JSON"):
        Run(tmp_path).config()
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(UserError, match="must hold a JSON object"):
        Run(tmp_path).config()


def test_a_field_that_was_not_known_yet_has_its_default(tmp_path):
    values = resolve("vae", overrides={"latent.dim": 7}).to_dict()
    del values["data"]["split"]
    (tmp_path / "config.json").write_text(json.dumps({**values, "versions": {}}))
    config = Run(tmp_path).config()
    assert (config.data.split, config.latent.dim) == ("", 7)


def test_a_field_of_another_version_is_named(tmp_path):
    values = resolve("vae").to_dict()
    values["latent"]["dims"] = 3
    (tmp_path / "config.json").write_text(json.dumps({**values, "versions": {}}))
    with pytest.raises(UserError, match=r"latent\.dims"):
        Run(tmp_path).config()


def test_a_damaged_line_of_metrics_is_named(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1}\n{"epo\n{"epoch": 3}\n')
    with pytest.raises(UserError, match=r"metrics.jsonl, line 2, is damaged"):
        Run(tmp_path).read_metrics()


def test_a_run_that_a_kill_left_half_made_or_half_deleted_is_made_again(tmp_path):
    run = Run(tmp_path / "run")
    run.path.mkdir()
    (run.path / "config.json.partial").write_text("{")
    run.create(resolve("vae"), resume=True)
    assert run.config() == resolve("vae")
    (run.path / "snapshots").mkdir()
    (run.path / "lock").write_text("")
    run.create(resolve("dem_vae"), overwrite=True)
    (run.path / "lock").unlink()
    assert [path.name for path in run.path.iterdir()] == ["config.json"]
    assert run.config() == resolve("dem_vae")


def test_a_configuration_of_a_version_with_other_fields_says_which(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"latent": {"planets": 9}, "versions": {}}))
    with pytest.raises(UserError, match=r"config.latent.planets is not a field"):
        Run(tmp_path).config()


def test_a_file_in_the_place_of_a_directory_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(UserError, match="is a file: name a directory"):
        Run(tmp_path / "run").create(resolve("vae"))
