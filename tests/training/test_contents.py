import json

import pytest

from tfvae.errors import UserError
from tfvae.registry import resolve
from tfvae.registry.parts import MODALITIES
from tfvae.training.contents import remove, run_contents
from tfvae.training.fit import fit
from tfvae.training.run import Run


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}


def test_all_that_a_run_leaves_is_known_and_nothing_else_is_deleted(tiny, tmp_path):
    _, run = fit(tiny(training__epochs=1), str(tmp_path / "run"), say=lambda line: None)
    for name in ("notes.txt", "checkpoint/notes.txt", "snapshots/mine/epoch-00001.npz", "config.json.bak"):
        (run.path / name).parent.mkdir(exist_ok=True)
        (run.path / name).write_text("mine")
    (run.path / "elsewhere").symlink_to(tmp_path)
    kept = {"notes.txt", "checkpoint/notes.txt", "snapshots/mine/epoch-00001.npz", "config.json.bak", "elsewhere"}
    run.create(tiny("vae"), overwrite=True)
    assert files(run.path) == {*kept, "config.json"} and run.config().model == "vae"
    assert not (run.path / "tensorboard").exists() and not list((run.path / "checkpoint").glob("epoch-*"))
    remove(run.path, run_contents())
    assert files(run.path) == kept


def test_files_of_every_kind_of_example_are_known():
    assert {name for part in MODALITIES.values() for name in part.make.files} <= set(run_contents()["."])


def test_what_a_kill_left_half_written_is_known(tmp_path):
    for name in ("config.json.partial", "vocabulary.txt.tmp", ".features.npy", ".samples.png.partial", "partial.weights.h5"):
        (tmp_path / name).write_text("")
    remove(tmp_path, run_contents())
    assert not files(tmp_path)


@pytest.mark.parametrize("content", ["{}", "[]", '{"versions": {"tfvae": "1"}}', '{"versions": "tfvae", "model": "vae"}', "{"])
def test_a_folder_that_nothing_says_is_a_run_is_left_as_it_is(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    (tmp_path / "model.weights.h5").write_text("mine")
    with pytest.raises(UserError, match="the directory holds something else, which stays as it is"):
        Run(tmp_path).create(resolve("vae"), overwrite=True)
    assert files(tmp_path) == {"config.json", "model.weights.h5"} and (tmp_path / "config.json").read_text() == content


def test_a_run_of_another_version_is_replaced(tmp_path):
    values = {**resolve("vae").to_dict(), "planets": 9, "versions": {"tfvae": "99"}}
    (tmp_path / "config.json").write_text(json.dumps(values))
    Run(tmp_path).create(resolve("dem_vae"), overwrite=True)
    assert Run(tmp_path).config() == resolve("dem_vae")
