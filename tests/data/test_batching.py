import itertools
import logging

import numpy as np
import pytest
import tensorflow as tf

from tfvae.data.batching import (
    bucket_boundaries,
    evaluation_batches,
    similar_batches,
    steps_per_epoch,
    tokenize_split,
    training_batches,
)
from tfvae.data.corpus import Split
from tfvae.data.vocabulary import EOS, PAD, SPECIALS, Vocabulary

VOCABULARY = Vocabulary(["a", "b", "c"])


def split_of(texts, **labels):
    return Split(texts, {name: np.array(classes, np.int32) for name, classes in labels.items()}, "corpus.txt", np.arange(len(texts)) + 1)


def examples_of(*lengths, max_length=0):
    """Sentences of so many tokens, EOS included, whose label is their number."""
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(list("abc"), length - 1)) for length in lengths]
    return tokenize_split(split_of(texts, label=range(len(lengths))), VOCABULARY, max_length)


@pytest.fixture(scope="module")
def many():
    return examples_of(*np.random.default_rng(1).integers(1, 40, 1003))


def order(dataset):
    return [batch["index"].numpy().tolist() for batch in dataset]


def sentence(examples, i):
    return examples.tokens[examples.row_splits[i] : examples.row_splits[i + 1]].tolist()


def test_sentences_are_tokenized_in_order(monkeypatch):
    texts = ["a b", "", "c", "b c d", "a"]
    monkeypatch.setattr("tfvae.data.batching.CHUNK", 2)
    examples = tokenize_split(split_of(texts, topic=[0, 1, 2, 3, 4]), VOCABULARY, 0)
    assert [sentence(examples, i) for i in range(5)] == VOCABULARY.tokenize(texts).to_list()
    assert examples.length.tolist() == examples.whole_length.tolist() == [3, 1, 2, 4, 2]
    assert (len(examples), examples.num_cut) == (5, 0)
    assert (examples.tokens.dtype, examples.length.dtype) == ("int32", "int32")
    assert examples.labels["topic"].tolist() == [0, 1, 2, 3, 4]


def test_a_long_sentence_keeps_its_beginning_and_its_end():
    examples = tokenize_split(split_of(["a b c", "a b", "a b c a b", "", "c b a a"]), VOCABULARY, 4)
    assert [sentence(examples, i) for i in range(5)] == [[4, 5, 6, EOS], [4, 5, EOS], [4, 5, 6, EOS], [EOS], [6, 5, 4, EOS]]
    assert examples.whole_length.tolist() == [4, 3, 6, 1, 5]
    assert examples.cut.tolist() == [2, 4]
    assert examples.num_cut == 2


def test_no_limit_keeps_everything():
    assert examples_of(1000, 2).length.tolist() == [1000, 2]


def warnings_of(caplog, split, max_length, ceiling):
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="tfvae"):
        tokenize_split(split, VOCABULARY, max_length, ceiling=ceiling)
    return [record.getMessage() for record in caplog.records]


def test_cut_training_sentences_are_counted_in_a_warning(caplog):
    split = split_of(["a"] * 7 + ["a b c a"] * 3)
    assert warnings_of(caplog, split, 4, 100) == ["3 of 10 training sentences are longer than 4 tokens and are cut"]
    assert warnings_of(caplog, split, 5, 100) == []
    assert warnings_of(caplog, split, 4, 0) == []


def test_a_line_of_100000_words_is_cut_and_named_in_a_warning(caplog):
    split = split_of(["a b", "a " * 100_000])
    named = "corpus.txt:2: 100001 tokens, more than eval_max_length = 1000; it is {}"
    assert warnings_of(caplog, split, 1000, 1000) == [named.format("cut to 1000")]
    assert warnings_of(caplog, split, 0, 1000) == [named.format("not cut")]
    assert warnings_of(caplog, split, 40, 1000) == [
        "1 of 2 training sentences are longer than 40 tokens and are cut",
        named.format("cut to 40"),
    ]


def test_no_more_than_five_lines_are_named(caplog):
    split = split_of(["a", *["a b c"] * 8])
    messages = warnings_of(caplog, split, 3, 3)
    assert [message.split(" ")[0] for message in messages[:5]] == [f"corpus.txt:{line}:" for line in range(2, 7)]
    assert messages[5:] == ["and 3 more in corpus.txt"]
    assert len(warnings_of(caplog, split_of(["a b c"] * 5), 3, 3)) == 5


def test_a_batch_is_padded_on_the_right_and_carries_its_labels():
    examples = tokenize_split(split_of(["a b c", "b", ""], topic=[7, 8, 9]), VOCABULARY, 0)
    (batch,) = evaluation_batches(examples, 5)
    assert batch["index"].numpy().tolist() == [2, 1, 0]
    assert batch["tokens"].numpy().tolist() == [[EOS, PAD, PAD, PAD], [5, EOS, PAD, PAD], [4, 5, 6, EOS]]
    assert batch["length"].numpy().tolist() == [1, 2, 4]
    assert batch["weight"].numpy().tolist() == [1, 1, 1]
    assert batch["labels"]["topic"].numpy().tolist() == [9, 8, 7]


def test_a_batch_can_be_asked_for_by_numbers():
    batch = examples_of(3, 5, 2).batch(np.array([2, 0]))
    assert batch["index"].numpy().tolist() == batch["labels"]["label"].numpy().tolist() == [2, 0]
    assert batch["length"].numpy().tolist() == [2, 3]
    assert batch["tokens"].shape == (2, 3)


def test_examples_first_used_inside_a_graph_are_usable_outside():
    examples = examples_of(3, 5, 2)
    graph = tf.function(lambda index: examples.batch(index)["tokens"])(tf.constant([0, 1]))
    np.testing.assert_array_equal(graph, examples.batch(np.array([0, 1]))["tokens"])


@pytest.mark.parametrize("make", [lambda examples: training_batches(examples, 16, 0), lambda examples: evaluation_batches(examples, 16)])
def test_batches_hold_their_sentences_and_padding_alone(many, make):
    for batch in make(many):
        tokens, length, index = (batch[key].numpy() for key in ("tokens", "length", "index"))
        assert tokens.shape == (len(index), length.max())
        for row, number in enumerate(index):
            assert tokens[row, : length[row]].tolist() == sentence(many, number)
            assert not tokens[row, length[row] :].any()
        np.testing.assert_array_equal(batch["labels"]["label"], index)
        assert batch["weight"].numpy().tolist() == [1] * len(index)


@pytest.mark.parametrize("make", [lambda examples: training_batches(examples, 16, 0), lambda examples: evaluation_batches(examples, 16)])
def test_batches_of_all_shapes_have_one_specification(many, make):
    vector = tf.TensorSpec([None], tf.int32)
    assert make(many).element_spec == {
        "tokens": tf.TensorSpec([None, None], tf.int32),
        "length": vector,
        "weight": tf.TensorSpec([None], tf.float32),
        "index": vector,
        "labels": {"label": vector},
    }


def test_texts_without_labels_make_batches_without():
    examples = tokenize_split(split_of(["a", "b"]), VOCABULARY, 0)
    assert [batch["labels"] for batch in training_batches(examples, 1, 0)] == [{}, {}]


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1003, 5000])
def test_an_epoch_has_every_example_once_and_the_steps_foretold(many, batch_size):
    for epoch in (0, 3):
        dataset = training_batches(many, batch_size, 0, first_epoch=epoch, epochs=epoch + 1)
        batches = order(dataset)
        assert sorted(itertools.chain(*batches)) == list(range(len(many)))
        assert len(batches) == steps_per_epoch(many, batch_size) == dataset.cardinality()
        assert max(map(len, batches)) <= batch_size


def test_an_epoch_is_the_same_wherever_the_dataset_starts(many):
    steps = steps_per_epoch(many, 30)
    whole = order(training_batches(many, 30, 5, epochs=4))
    assert len(whole) == 4 * steps
    for first in range(4):
        assert order(training_batches(many, 30, 5, first_epoch=first, epochs=4)) == whole[first * steps :]
    assert order(training_batches(many, 30, 5, first_epoch=4, epochs=4)) == []


@pytest.mark.parametrize("epoch_steps", [1, 7, 100, 1000])
def test_an_epoch_may_be_a_part_of_a_pass_or_more_than_one(many, epoch_steps):
    steps = steps_per_epoch(many, 30)
    passes = order(training_batches(many, 30, 5, epochs=3 * epoch_steps // steps + 1))
    for first in range(3):
        dataset = training_batches(many, 30, 5, first_epoch=first, epochs=3, epoch_steps=epoch_steps)
        assert dataset.cardinality() == (3 - first) * epoch_steps
        assert order(dataset) == passes[first * epoch_steps : 3 * epoch_steps]
    assert order(training_batches(many, 30, 5, first_epoch=3, epochs=3, epoch_steps=epoch_steps)) == []


def test_the_order_is_a_function_of_the_seed_and_the_epoch(many):
    np.random.seed(1)
    tf.random.set_seed(1)
    first = order(training_batches(many, 30, 5))
    np.random.seed(2)
    tf.random.set_seed(2)
    assert order(training_batches(many, 30, 5)) == first
    assert order(training_batches(many, 30, 6)) != first
    assert order(training_batches(many, 30, 5, first_epoch=1, epochs=2)) != first


def test_a_dataset_can_be_run_through_again(many):
    dataset = training_batches(many, 100, 0)
    assert order(dataset) == order(dataset)


def test_training_batches_are_of_similar_lengths_and_come_in_mixed_order(many):
    longest = [int(batch["length"].numpy().max()) for batch in training_batches(many, 16, 0)]
    shortest = [int(batch["length"].numpy().min()) for batch in training_batches(many, 16, 0)]
    assert max(np.subtract(longest, shortest)) <= 6
    rises = np.mean(np.diff(longest) > 0)
    assert 0.2 < rises < 0.8


def test_few_sentences_are_not_scattered_over_small_batches():
    assert steps_per_epoch(examples_of(*range(1, 101)), 30) == 4


def test_evaluation_goes_from_short_to_long_and_keeps_the_order_of_equals():
    examples = examples_of(3, 2, 3, 1, 2, 3, 1)
    assert order(evaluation_batches(examples, 3)) == [[3, 6, 1], [4, 0, 2], [5]]


@pytest.mark.parametrize("batch_size", [1, 7, 64, 5000])
def test_evaluation_has_every_example_once(many, batch_size):
    dataset = evaluation_batches(many, batch_size)
    batches = order(dataset)
    assert sorted(itertools.chain(*batches)) == list(range(len(many)))
    assert len(batches) == -(-len(many) // batch_size) == dataset.cardinality()


def test_buckets_hold_about_equally_many_sentences():
    lengths = np.random.default_rng(0).gamma(3, 7, 10_000).astype(int) + 1
    boundaries = bucket_boundaries(lengths)
    assert len(boundaries) == 8
    assert boundaries[-1] == lengths.max()
    held = np.bincount(np.searchsorted(boundaries, lengths))
    assert held.min() > 0.6 * len(lengths) / 8
    assert held.max() < 1.4 * len(lengths) / 8


def test_buckets_are_fewer_when_sentences_share_a_length():
    assert bucket_boundaries(np.array([5] * 90 + [9] * 10)).tolist() == [5, 9]
    assert bucket_boundaries(np.array([5])).tolist() == [5]


def test_words_of_every_kind_reach_a_batch_and_come_back():
    texts = ["日本語 🙂", "שלום עולם", "10\u00a0000 €"]
    vocabulary = Vocabulary.from_texts(texts, size=10)
    examples = tokenize_split(split_of(texts), vocabulary, 0)
    assert examples.tokens.max() == vocabulary.size - 1 == len(SPECIALS) + 5
    back = {}
    for batch in training_batches(examples, 2, 0):
        back |= zip(batch["index"].numpy().tolist(), vocabulary.detokenize(batch["tokens"]).numpy(), strict=True)
    assert [back[i].decode() for i in range(3)] == texts


def test_batches_of_similar_lengths_hold_no_more_tokens_where_texts_are_long():
    length = np.array([5, 1000, 3, 64, 640, 1, 5])
    batches = list(similar_batches(length, 4))
    assert [sorted(length[batch].tolist()) for batch in batches] == [[1000], [640], [3, 5, 5, 64], [1]]
    assert sorted(np.concatenate(batches).tolist()) == list(range(7))
    assert all(len(batch) * length[batch].max() <= max(4 * 64, length[batch].max()) for batch in batches)
