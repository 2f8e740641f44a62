"""Runs with damaged files: one line says which file it is."""

import io
import json
import shutil

import numpy as np
import pytest

from tfvae.errors import UserError
from tfvae.reports.story import snapshots
from tfvae.training.fit import fit, load
from tfvae.training.run import Run
from torture.damage import with_values

from .conftest import TINY

EPOCHS = 2
CHECKPOINT = f"checkpoint/epoch-{EPOCHS:05d}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    from tfvae.registry import resolve

    config = resolve("dem_vae", "demo", base={**TINY, "data.limit": 40, "training.epochs": EPOCHS})
    _, run = fit(config, str(tmp_path_factory.mktemp("trained") / "run"), say=lambda line: None)
    return run


@pytest.fixture
def run(trained, tmp_path):
    return Run(shutil.copytree(trained.path, tmp_path / "run"))


def line(change):
    """Changes the second line of metrics.jsonl."""

    def damage(content):
        first, second, _ = content.split(b"\n")
        return first + b"\n" + change(second) + b"\n"

    return damage


def an_array(content):
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def arrays(content):
    stream = io.BytesIO()
    with np.load(io.BytesIO(content)) as found:
        np.savez(stream, **{name: found[name].astype(str) for name in found.files})
    return stream.getvalue()


def swapped(content):
    lines = content.split(b"\n")
    return b"\n".join([*lines[:6], lines[7], lines[6], *lines[8:]])


def resume(run):
    fit(run.config(), str(run.path), resume=True, say=lambda line: None)


def metrics(run):
    run.read_metrics()


def always(content):
    return lambda _: content


NESTED = always(b"[" * 100_000)
GONE = None
DAMAGES = [
    *(("config.json", damage, load) for damage in (NESTED, always(b""), always(b"\xff"), always(b"5"), always(b"{}"))),
    ("config.json", always(b'{"model": null}'), load),
    *(
        ("config.json", with_values(**{path: value}), load)
        for path, value in (("model", None), ("training", 5), ("versions", 5), ("format", True))
    ),
    *(("config.json", with_values(**{path: value}), load) for path, value in (("training__epochs", "x"), ("latent__dim", -1))),
    ("config.json", with_values(format=1, data=5), load),
    *(
        ("metrics.jsonl", damage, metrics)
        for damage in (
            always(b"\xff\n"),
            always(b"5\n"),
            always(b"{}\n"),
            always(b""),
            NESTED,
            line(lambda text: text[: len(text) // 2]),
            line(lambda text: b"[" * 100_000),
            line(with_values(epoch=7)),
            line(with_values(epoch="2")),
            line(with_values(w="x")),
            line(with_values(val_component_use={})),
            lambda content: content[: len(content) * 3 // 4],
            lambda content: content.replace(b"\n", b"", 1),
            lambda content: content.split(b"\n")[1] + b"\n",
        )
    ),
    ("metrics.jsonl", GONE, resume),
    ("metrics.jsonl", line(lambda text: text[: len(text) // 2]), resume),
    (f"{CHECKPOINT}/memory.json", with_values(selection=5), resume),
    (f"{CHECKPOINT}/memory.json", with_values(selection__lowest="low", warning__posterior=1), resume),
    (f"{CHECKPOINT}/memory.json", with_values(selection__stopped=None), resume),
    (f"{CHECKPOINT}/memory.json", NESTED, resume),
    (CHECKPOINT + "/memory.json", GONE, resume),
    (f"{CHECKPOINT}/variables.npz", an_array, resume),
    (f"{CHECKPOINT}/variables.npz", arrays, resume),
    (f"{CHECKPOINT}/variables.npz", lambda content: content[:-100], resume),
    ("model.weights.h5", always(b""), load),
    ("model.weights.h5", an_array, load),
    ("model.weights.h5", lambda content: content[: len(content) // 2], load),
    ("vocabulary.txt", swapped, load),
]


@pytest.mark.parametrize(("name", "damage", "use"), DAMAGES)
def test_a_damaged_file_is_named_in_one_line(run, name, damage, use):
    file = run.path / name
    if damage is GONE:
        file.unlink()
    else:
        file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError) as error:
        use(str(run.path) if use is load else run)
    named = str(error.value)
    assert "\n" not in named and len(named) < 800
    assert str(file) in named or (str(file.parent) in named and name.startswith("checkpoint")), named


def test_lines_that_end_otherwise_are_the_same_vocabulary(run):
    file = run.path / "vocabulary.txt"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    load(str(run.path))


def test_what_is_no_snapshot_of_the_run_s_is_passed_over(run):
    (run.snapshot_dir / "epoch-x.npz").write_text("mine")
    (run.checkpoint_dir / "epoch-x").mkdir()
    resume(run)
    assert [epoch for epoch, _ in snapshots(run)] == list(range(1, EPOCHS + 1))
    assert (run.snapshot_dir / "epoch-x.npz").exists()


def test_a_number_that_a_person_wrote_as_text_is_read(run):
    run.config_file.write_bytes(with_values(training__epochs=str(EPOCHS))(run.config_file.read_bytes()))
    run.extend(EPOCHS + 1)
    assert json.loads(run.config_file.read_text())["training"]["epochs"] == EPOCHS + 1
