"""Labels that supervise codes, from the corpus to predictions."""

import dataclasses

import numpy as np
import pytest

import tfvae
from tfvae.auxiliaries.label import KEY
from tfvae.data import demo
from tfvae.data.corpus import Split
from tfvae.data.labelled_texts import NO_LABEL
from tfvae.errors import UserError
from tfvae.modalities.pixels import Pixels
from tfvae.models.labels import Supervised, find_label
from tfvae.training.fit import fit, load
from tfvae.training.supervision import SupervisedExamples, supervision_of


def corpus_with(classes, names):
    labels = {"kind": np.array(classes, np.int32)}
    split = Split([f"text {i}" for i in range(len(classes))], labels, "made up", np.arange(len(classes)))
    return dataclasses.replace(demo.read(), train=split, valid=split, test=split, label_names={"kind": names} if names else {})


def test_the_share_of_labels_that_is_seen_is_drawn_by_the_seed(tiny):
    corpus = corpus_with(np.arange(200) % 3, "abc")

    def seen(seed, share=0.3):
        config = tiny(objective__labels="kind:1", data__labelled_share=share, training__seed=seed)
        return supervision_of(config, corpus).training_codes(corpus.train)["kind"]

    assert np.sum(seen(0) >= 0) == 60 and np.array_equal(seen(0), seen(0)) and not np.array_equal(seen(0), seen(1))
    assert np.array_equal(seen(0)[seen(0) >= 0], corpus.train.labels["kind"][seen(0) >= 0])
    assert np.all(seen(0, 0.6)[seen(0) >= 0] >= 0)  # more labels are those and others
    with pytest.raises(UserError, match="labelled_share"):
        seen(0, 0.0)


def test_a_missing_label_is_no_class_and_classes_without_names_are_numbers(tiny):
    config = tiny(objective__labels="kind:1")
    missing = supervision_of(config, corpus_with([0, 1, 2, 1], [NO_LABEL, "no", "yes"]))
    assert missing.codes(corpus_with([0, 1, 2, 1], ()).train)["kind"].tolist() == [-1, 0, 1, 0]
    assert missing.labels["kind"].classes == ("no", "yes")
    assert supervision_of(config, corpus_with([0, 3, 1], ())).labels["kind"].classes == ("0", "1", "2", "3")


def test_more_classes_than_components_and_unknown_labels_are_refused(tiny):
    with pytest.raises(UserError, match="--components=5"):
        supervision_of(tiny(objective__labels="kind:0"), corpus_with(range(5), "abcde"))
    with pytest.raises(UserError, match="is not a label of the corpus"):
        supervision_of(tiny(objective__labels="akt:0"), demo.read())


def test_batches_of_images_say_their_codes_too():
    images = np.random.default_rng(0).integers(0, 255, [6, 5, 4]).astype(np.uint8)
    split = Split(images, {"digit": np.arange(6, dtype=np.int32)}, "made up", np.arange(6))
    examples = SupervisedExamples(Pixels(5, 4).examples(split), {"digit": np.array([0, 1, -1, 3, 4, -1], np.int32)})
    assert len(examples) == 6 and examples.batch([2, 3])[KEY]["digit"].numpy().tolist() == [-1, 3]
    small = {"encoder__hidden_dim": 6, "decoder__hidden_dim": 6, "latent__hidden_dim": 6}
    vae = tfvae.create("gm_vae", corpus="mnist", height=5, width=4, **small, objective__labels="digit:2", latent__variables=3)
    assert float(vae.test_step(examples.batch(np.arange(6)))["label"]) == pytest.approx(np.log(vae.latent.num_components), rel=1e-4)


def test_a_model_predicts_what_it_was_taught(tiny, tmp_path):
    config = tiny(
        inference__kind="ngrams",
        objective__labels="act:1",
        objective__label_weight=20.0,
        training__clip_norm=10.0,
        training__learning_rate=0.02,
        data__limit=600,
    )
    trained, run = fit(config, str(tmp_path / "run"), say=lambda line: None)
    model, corpus = load(str(run.path)), demo.read()
    answer = model.predict(corpus.test.items)
    assert answer["classes"].tolist() == list(corpus.label_names["act"])
    truth = np.array(corpus.label_names["act"])[corpus.test.labels["act"]]
    assert np.mean(answer["predicted"] == truth) > 0.9
    np.testing.assert_allclose(answer["probabilities"].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(answer["probabilities"], trained.predict(corpus.test.items, "act")["probabilities"])
    assert model.topics.find(corpus.label_names["act"][2]) == (1, 2)
    assert run.read_metrics()[-1]["val_label"] < 0.5 and np.any(model.vae.inference.table)
    with pytest.raises(UserError, match="is not a label"):
        model.predict(["so ?"], "topic")


def test_a_model_that_no_label_taught_predicts_none():
    with pytest.raises(UserError, match="no label supervised"):
        find_label({}, "act")
    both = {"act": Supervised(0, ("a", "b")), "topic": Supervised(1, ("c",))}
    assert find_label(both, "topic") == "topic" and find_label({"act": both["act"]}, "") == "act"
    with pytest.raises(UserError, match="which label"):
        find_label(both, "")
