import math
import types

import numpy as np
import pytest

from tfvae.evaluation import generation
from tfvae.evaluation.generation import _unseen, corpus_bleu, distinct, reconstruction, self_bleu, word_divergences


def test_word_divergences_by_hand():
    here, there = ["a a b", "x"], ["a b b b", "c"]
    figures = {name: value for name, value, _ in word_divergences(here, there)}
    # f = (1/2, 1/4, 1/4 for x), f_real = (1/5, 3/5, 1/5 for c); x is in no real text
    assert figures["word_kl"] == pytest.approx(0.5 * math.log(0.5 / 0.2) + 0.25 * math.log(0.25 / 0.6))
    p, q = [3 / 8, 2 / 8, 1 / 8, 2 / 8], [2 / 9, 4 / 9, 2 / 9, 1 / 9]
    assert figures["word_kl_symmetric"] == pytest.approx(sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True)) / 2)
    assert all(value == pytest.approx(0) for _, value, _ in word_divergences(there, there))


def test_the_word_divergence_of_known_words_is_never_negative():
    real, generated = ["the train was slow"] * 41, ["the <unk> <unk> slow"] * 20 + ["train was <unk> <unk>"] * 20
    figures = {name: value for name, value, _ in word_divergences(generated, real)}
    assert figures["word_kl"] == pytest.approx(-0.3466, abs=1e-4)  # as the papers count: half of what is written is passed over
    assert figures["word_kl_known"] == pytest.approx(0.0, abs=1e-12)
    assert _unseen(generated, real).value == 0.5
    lopsided = {name: value for name, value, _ in word_divergences(["the <unk> the slow"], ["the train was slow <unk>"])}
    assert lopsided["word_kl_known"] == pytest.approx(2 / 3 * math.log(2 / 3 * 4) + 1 / 3 * math.log(1 / 3 * 4))
    assert math.isnan({name: value for name, value, _ in word_divergences(["<unk>"], real)}["word_kl_known"])


def test_reconstructions_of_unknown_words_are_not_taken_for_right(monkeypatch):
    texts = ["<unk> <unk> <unk> <unk> <unk> ."] * 3
    monkeypatch.setattr(generation, "as_read", lambda subject, items: list(items))
    subject = types.SimpleNamespace(
        data=types.SimpleNamespace(items=texts),
        sentences_read=types.SimpleNamespace(length=np.array([7])),
        model=types.SimpleNamespace(reconstruct=lambda items, **decoding: list(items)),
        progress=lambda description, items, count: items,
    )
    figures = {figure.name: figure for figure in reconstruction(subject)}
    assert figures["bleu"].value == pytest.approx(100) and "83.3% of the words are unknown" in figures["bleu"].remark
    assert figures["bleu_known"].value == 0
    texts[:] = ["the train was slow ."] * 3
    figures = {figure.name: figure for figure in reconstruction(subject)}
    assert figures["bleu_known"].value == figures["bleu"].value == pytest.approx(100) and not figures["bleu"].remark


def test_the_papers_own_row_of_the_test_set(data_dir):
    """DEM-VAE prints a word-level KL of 0.14 for Penn Treebank's test set."""
    if not (data_dir / "ptb").is_dir():
        pytest.skip(f"no {data_dir / 'ptb'}")
    train, test = ((data_dir / "ptb" / f"{name}.txt").read_text().splitlines() for name in ("train", "test"))
    assert next(word_divergences(test, train))[1] == pytest.approx(0.14, abs=0.005)
    assert next(word_divergences(test, train[:40_000]))[1] == pytest.approx(0.14, abs=0.005)


def test_bleu_is_that_of_the_corpus_counted_by_hand():
    written, references = ["a b c d e", "the cat sat"], ["a b c d f", "the cat sat"]
    # matches over all of 1- to 4-grams: 4 + 3 of 5 + 3, 3 + 2 of 4 + 2, 2 + 1 of 3 + 1, 1 of 2; lengths are equal
    score, error, signature = corpus_bleu(written, references)
    assert score == pytest.approx(100 * (7 / 8 * 5 / 6 * 3 / 4 * 1 / 2) ** 0.25)
    assert error >= 0 and "tok:none" in signature and "s:none" in signature
    # 4 words for 8: a penalty of exp(1 - 8/4)
    assert corpus_bleu(["a b c d"], ["a b c d e f g h"])[0] == pytest.approx(100 * math.exp(-1))
    assert corpus_bleu(["a b c"], ["a b c"])[0] == 0  # no 4-grams, and nothing smooths that


def test_distinct_counts_grams_within_sentences():
    assert distinct(["a b a", "a b"], 1) == 2 / 5
    assert distinct(["a b a", "a b"], 2) == 2 / 3
    assert distinct(["a"], 2) == 0


def test_self_bleu_is_100_of_one_sentence_repeated_and_small_of_unlike_ones():
    score, signature = self_bleu(["a b c d e"] * 4)
    assert score == pytest.approx(100) and "s:exp" in signature
    assert self_bleu(["a b c d", "e f g h", "i j k l"])[0] < 10
    assert math.isnan(self_bleu(["a b c d"])[0])
