"""Turns with those before them, from items to batches."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.config import DataConfig
from tfvae.data.corpus import Split
from tfvae.data.turn import Said, Turn, alternating
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.modalities.turns import Turns
from tfvae.modalities.words import Words
from tfvae.registry import resolve
from tfvae.tokens import EOS, UNK

A, B, C = 4, 5, 6  # ids of the words
ITEMS = [Turn("a b", [Said("c", True), Said("a", False)]), Turn("c", [Said("a", False)]), "b b b", Turn("", alternating(["c ?"] * 3))]


@pytest.fixture(scope="module")
def turns():
    return Turns(Vocabulary(["a", "b", "c"]), context=2, max_length=5)


def test_a_batch_has_the_turns_before_and_is_else_that_of_texts(turns):
    found = {}
    for index, batch, _ in turns.batches(ITEMS, 8):
        for row, place in enumerate(index):
            found[place] = {name: value.numpy()[row].tolist() for name, value in batch.items()}
    assert found[0]["context"] == [[C, EOS, 0], [A, EOS, 0]] and found[0]["context_length"] == [2, 2] and found[0]["context_own"] == [1, 0]
    assert found[1]["context"] == [[A, EOS, 0], [0, 0, 0]] and found[1]["context_length"] == [2, 0] and found[1]["context_own"] == [0, 0]
    assert found[2]["context_length"] == [0, 0]
    assert found[3]["context"] == [[C, UNK, EOS]] * 2 and found[3]["context_own"] == [1, 0]  # the last two of three
    words = Words(turns.vocabulary, max_length=5)
    for (_, batch, known), (_, expected, known_too) in zip(turns.batches(ITEMS, 8), words.batches(ITEMS, 8), strict=True):
        for name, value in expected.items():
            np.testing.assert_array_equal(batch[name], value)
        assert {name: value.tolist() for name, value in known.items()} == {name: value.tolist() for name, value in known_too.items()}


@pytest.mark.parametrize(("held", "length"), [(tuple, [[2]]), (iter, [[]]), (lambda items: np.array([*items, None], object)[:-1], [[2]])])
def test_turns_come_in_whatever_holds_them(turns, held, length):
    [(_, batch, _)] = turns.batches(held(ITEMS[1:2]), 8)
    assert batch["context_length"].numpy().tolist() == length
    for wrong in ("a", [], ["a", 3]):
        with pytest.raises(UserError):
            list(turns.batches(wrong, 8))


def test_a_split_s_batches_are_those_of_its_items(turns):
    items = [*ITEMS[:3], Turn("a " * 9, [Said("b " * 9, False)])]
    examples = turns.examples(Split(items, {}, "here", np.arange(4)))
    [(index, expected, _)] = turns.batches(items, 8)
    batch = examples.batch(index)
    for name in ("tokens", "length", "context", "context_length", "context_own"):
        np.testing.assert_array_equal(batch[name], expected[name])
    assert batch["context_length"].numpy().max() == 5  # cut as texts are


def test_nothing_was_said_before(turns):
    plain = ["a", "b c"]
    batch = turns.examples(Split(plain, {}, "here", np.arange(2))).batch(np.arange(2))
    assert batch["context"].shape == (2, 0, 0) and batch["context_length"].shape == batch["context_own"].shape == (2, 0)


def test_a_graph_reads_contexts_as_python_does(turns):
    given = [["a b", "", "c"], ["", "", ""], ["a", "b", "c c"], [" ", "zzz", ""]]
    read = tf.function(turns.context_in_graph, input_signature=[tf.TensorSpec([None, None], tf.string)])
    answer, expected = read(tf.constant(given)), turns.contexts([alternating(texts) for texts in given])
    for name, value in expected.items():
        wide = answer[name].numpy()
        np.testing.assert_array_equal(wide[tuple(slice(size) for size in value.shape)], value)
        assert wide.sum() == value.numpy().sum()  # padding beside
    assert read(tf.zeros([2, 0], tf.string))["context_length"].shape == (2, 0)
    assert read(tf.constant([[b"\xff a"]]))["context_length"].numpy().tolist() == [[3]]


def test_examples_with_context_are_turns_where_the_corpus_has_dialogues(tmp_path):
    config = resolve("dem_vae", "demo", overrides={"data.context": 2})
    assert config.data.modality == "turns"
    assert resolve("dem_vae", "demo").data.modality == "words"
    assert resolve("dem_vae", "dialogues").data.context == 10
    again = resolve("dem_vae", "demo", overrides={"data.context": 2, "data.modality": "turns"})
    assert again == config
    for name, overrides, message in (
        ("ptb", {"data.context": 2}, "its corpus is ptb, which has no dialogues; those that have are daily_dialog, demo, dialogues, smd"),
        ("mnist", {"data.context": 2}, "its corpus is mnist, which has no dialogues"),
        ("demo", {"data.modality": "turns"}, "config.data.modality = turns: the corpus demo has words"),
        ("demo", {"data.context": 2, "data.features": "f.npy"}, "its examples have features beside"),
        ("demo", {"data.delexicalize": True}, "smd alone has knowledge bases"),
    ):
        with pytest.raises(UserError, match=message):
            resolve("dem_vae", name, overrides=overrides)


def test_a_modality_is_kept(turns, tmp_path):
    turns.save(tmp_path)
    other = Turns.load(tmp_path, DataConfig(context=3))
    assert other.same(turns) and other.context == 3


def test_a_file_of_dialogues_or_of_texts_is_read(turns, tmp_path):
    (tmp_path / "d.jsonl").write_text('{"context": ["a", "b"], "text": "c"}\n')
    assert turns.read_file(str(tmp_path / "d.jsonl"))[0].context == alternating(["a", "b"])
    (tmp_path / "t.jsonl").write_text('{"text": "c"}\n')
    (tmp_path / "t.txt").write_text("c\n")
    assert list(turns.read_file(str(tmp_path / "t.jsonl"))) == list(turns.read_file(str(tmp_path / "t.txt"))) == ["c"]
