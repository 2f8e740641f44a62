"""Codes that a user knows something of beforehand."""

import numpy as np
import pytest

from tfvae.data import demo
from tfvae.errors import UserError
from tfvae.inference.head_start import agreeing
from tfvae.training.fit import fit
from tfvae.training.hints import read_seeds

QUICK = {"inference__start_steps": 200, "inference__agreement_steps": 100, "training__epochs": 1, "data__limit": 1500}
SEEDS = """
asking: ?
ordering: !, please
[1]
weather: rain, sky, wind, breeze
work: computer, laptop, server, keyboard
"""


def test_codes_follow_seed_words_and_are_called_after_them(tiny, tmp_path):
    (tmp_path / "seeds.txt").write_text(SEEDS)
    config = tiny("code_vae", inference__seed_words=str(tmp_path / "seeds.txt"), **QUICK)
    model, _ = fit(config, str(tmp_path / "run"), say=lambda line: None)
    test = demo.read().test.items
    codes = model.encode(test)["codes"]
    asked = np.array(["?" in text for text in test])
    weather = np.array([bool({"rain", "sky", "wind", "breeze"} & set(text.split())) for text in test])
    assert np.mean(codes[asked, 0] == 0) > 0.9 and np.mean(codes[~asked, 0] == 0) < 0.1
    assert np.mean(codes[weather, 1] == 0) > 0.9
    assert model.topics.names == {(0, 0): "asking", (0, 1): "ordering", (1, 0): "weather", (1, 1): "work"}
    assert model.topics.find("weather") == (1, 0)


def test_labels_of_a_few_texts_say_what_codes_are(tmp_path):
    from tfvae.registry import resolve

    corpus = demo.read()
    texts, acts = corpus.train.items[:1500], np.array(corpus.label_names["act"])[corpus.train.labels["act"][:1500]]
    few = [act if i % 20 == 0 else None for i, act in enumerate(acts)]
    small = {"encoder.embedding_dim": 8, "encoder.hidden_dim": 8, "decoder.embedding_dim": 8, "decoder.hidden_dim": 8, "training.epochs": 1}
    named = {"latent.variables": 1, "latent.components": 4, "inference.views": "form", "inference.seed_label": "label"}
    model, _ = fit(
        resolve("code_vae", "text", overrides=named, base=small), str(tmp_path / "run"), texts=texts, labels=few, say=lambda line: None
    )
    names = sorted(set(acts))
    assert [model.topics.name(0, k) for k in range(4)] == names
    test = corpus.test
    found = np.array(names)[model.encode(test.items)["codes"][:, 0]]
    assert np.mean(found == np.array(corpus.label_names["act"])[test.labels["act"]]) > 0.8


def test_clusters_take_the_numbers_of_the_codes_that_are_known():
    clusters, hinted = np.array([2, 2, 2, 0, 0, 1, 1]), np.array([0, -1, 0, 1, -1, -1, 0])
    assert agreeing(clusters, hinted, 3).tolist() == [0, 0, 0, 1, 1, 2, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("weather", "must be 'name: word, word, …'"),
        ("weather:", "must be 'name: word, word, …'"),
        ("3: rain", "must be 'name: word, word, …'"),
        ("a: rain\na: sun", "'a' is there twice"),
        ("[1]\n", "no line names a kind"),
    ],
)
def test_malformed_seed_words_are_said(tmp_path, content, message):
    (tmp_path / "seeds.txt").write_text(content)
    with pytest.raises(UserError, match=message):
        read_seeds(str(tmp_path / "seeds.txt"))


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        ("a: zzz", {}, "no training text has the words of a more than any other's"),
        ("\n".join(f"k{i}: {word}" for i, word in enumerate(["the", "a", "is", "was", "please"])), {}, "5 kinds are named of variable 0"),
        ("[2]\na: the", {}, "1 kinds are named of variable 2, and there are 2 variables"),
        ("a: the", {"inference__seed_label": "act"}, "give one"),
        (None, {"inference__seed_label": "acts"}, "'acts' is not a label of the corpus, did you mean 'act'"),
        (None, {"inference__seed_words": "/missing.txt"}, "no such file"),
    ],
)
def test_hints_that_do_not_fit_are_said(tiny, tmp_path, content, settings, message):
    if content is not None:
        (tmp_path / "seeds.txt").write_text(content)
        settings = {**settings, "inference__seed_words": str(tmp_path / "seeds.txt")}
    with pytest.raises(UserError, match=message):
        fit(tiny("code_vae", **{**QUICK, "data__limit": 100, **settings}), str(tmp_path / "run"), say=lambda line: None)
