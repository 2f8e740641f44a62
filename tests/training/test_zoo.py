"""Trained models by name."""

import numpy as np
import pytest

from tfvae import load
from tfvae.errors import UserError
from tfvae.training import zoo
from tfvae.training.zoo import find


def test_the_model_that_comes_with_the_package_writes_and_reads_sentences():
    model = load("demo")
    sentences, codes = model.generate(8, seed=1)
    assert len(set(sentences)) > 4 and all(len(sentence.split()) > 2 for sentence in sentences)
    assert codes.shape == (8, 2)
    # variable 0 is of form: the same sentence as a statement and as a question, about one thing
    asked, said = model.encode(["was the train slow ?", "the train was slow ."])["codes"]
    assert asked[0] != said[0] and asked[1] == said[1]


def test_the_packaged_model_is_small_and_names_no_folder():
    files = list((zoo.PACKAGED / "demo").iterdir())
    assert sum(file.stat().st_size for file in files) < 2_000_000
    assert find("demo").config().data.dir == ""


def test_a_directory_comes_before_a_name_and_one_s_own_zoo_before_the_package(tmp_path, monkeypatch, untrained):
    monkeypatch.chdir(tmp_path)
    packaged = find("demo").path
    assert packaged.parent == zoo.PACKAGED
    own = untrained(tmp_path / "own" / "demo", "vae")
    monkeypatch.setenv(zoo.ENVIRONMENT, str(tmp_path / "own"))
    assert find("demo").path == own.path
    (tmp_path / "demo").mkdir()
    assert find("demo").path.resolve() == tmp_path / "demo"
    assert find("./demo").path.resolve() == tmp_path / "demo"
    assert find("nothing").path.name == "nothing"


@pytest.mark.parametrize("run", ["demo", str(zoo.PACKAGED / "demo")])
def test_nothing_is_written_into_the_package(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"comes with tfvae and stays as it is: `cp -r .*/zoo/demo runs/demo`"):
        find(run, writes=True)
    assert find(str(tmp_path), writes=True).path == tmp_path


def test_the_packaged_model_has_the_same_points_as_it_is_read_again():
    texts = ["the train was slow ."]
    np.testing.assert_array_equal(load("demo").encode(texts)["mean"], load("demo").encode(texts)["mean"])
