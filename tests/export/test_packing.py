"""Small copies of trained runs."""

import shutil
import tarfile

import h5py
import numpy as np
import pytest

from tfvae import load
from tfvae.errors import UserError
from tfvae.export.packing import pack
from tfvae.models.topics import FILE as TOPICS
from tfvae.training.run import Run


@pytest.fixture
def run(tmp_path, untrained):
    made = untrained(tmp_path / "run", "dem_vae", objective__labels="act:0", latent__components=4)
    topics = load(str(made.path)).topics.rename(0, 1, "questions")
    topics.save(made.path)
    return made


def test_a_packed_run_reads_as_the_run_does_within_half_precision(run, tmp_path):
    folder, archive = pack(str(run.path), str(tmp_path / "zoo"), "small")
    texts = ["the train was slow .", "could you book a table ?"]
    before, after = load(str(run.path)), load(str(folder))
    for part, values in before.encode(texts).items():
        np.testing.assert_allclose(after.encode(texts)[part], values, atol=2e-3, err_msg=part)
    assert after.topics.name(0, 1) == "questions"
    assert after.predict(texts)["classes"].tolist() == before.predict(texts)["classes"].tolist()
    with h5py.File(Run(folder).weights_file) as file:
        kinds = set()
        file.visititems(lambda name, item: kinds.add(item.dtype) if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" else None)
        assert kinds == {np.dtype(np.float16)} and "optimizer" not in file
    assert folder.name == "small" and archive.name == "small.tar.gz"


def test_an_archive_is_the_folder_and_the_same_for_the_same_run(run, tmp_path):
    folder, archive = pack(str(run.path), str(tmp_path / "zoo"), "small")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "there", filter="data")
    there = tmp_path / "there" / "small"
    assert {file.name: file.read_bytes() for file in there.iterdir()} == {file.name: file.read_bytes() for file in folder.iterdir()}
    _, again = pack(str(folder), str(tmp_path / "other"), "small")
    with tarfile.open(again) as tar:
        assert tar.getnames() == sorted(f"small/{file.name}" for file in folder.iterdir())
    assert (folder / TOPICS).exists()


def test_what_cannot_be_packed_is_said_and_leaves_nothing(run, tmp_path):
    zoo = tmp_path / "zoo"
    with pytest.raises(UserError, match=r"--name=a/b: must be letters"):
        pack(str(run.path), str(zoo), "a/b")
    with h5py.File(run.weights_file, "a") as file:
        first = next(iter(_datasets(file)))
        first[...] = np.full(first.shape, 1e6, np.float32)
    with pytest.raises(UserError, match="beyond the range of half precision"):
        pack(str(run.path), str(zoo), "large")
    assert list(zoo.iterdir()) == []
    shutil.rmtree(run.path)
    with pytest.raises(UserError, match="no run is there"):
        pack(str(run.path), str(zoo))


def test_what_is_there_is_not_replaced(run, tmp_path):
    pack(str(run.path), str(tmp_path / "zoo"))
    with pytest.raises(UserError, match="is there already"):
        pack(str(run.path), str(tmp_path / "zoo"))


def _datasets(file):
    found = []
    file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) and item.ndim == 2 else None)
    return found
