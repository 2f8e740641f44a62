import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus, Split
from tfvae.data.tokenizers import READING
from tfvae.modalities.words import Words


def corpus(train, valid):
    splits = [Split(texts, {}, "made", np.arange(1, len(texts) + 1)) for texts in (train, valid, valid)]
    return Corpus("made", *splits)


@pytest.mark.parametrize(
    ("train", "valid", "tokenizer", "message"),
    [
        (
            ["今日はとても良い天気ですね", "明日は雨が降るそうです"],
            ["電車が遅れています"],
            "word",
            "100 % of the texts are one word, of",
        ),
        (["今日はとても良い天気ですね", "明日は雨が降るそうです"], ["電車が遅れています"], "wordpiece", ""),
        (["a b c", "d e"], ["x y c", "z"], "word", "75 % of the words of validation are unknown to training"),
        (["a b c", "d e"], ["a b", "c x"], "word", ""),
        (["yes", "no"], ["yes"], "word", ""),
    ],
)
def test_texts_that_whole_words_do_not_suit_are_told(caplog, train, valid, tokenizer, message):
    Words.learn(corpus(train, valid), DataConfig(tokenizer=tokenizer))
    assert (message in caplog.text and "--tokenizer=wordpiece" in caplog.text) if message else not caplog.messages


def test_a_vocabulary_reads_as_its_settings_say():
    words = Words.learn(corpus(["The cat, sat"], ["the"]), DataConfig(lowercase=True, split_punctuation=True, unicode="none"))
    assert [getattr(words.vocabulary, name) for name in READING] == [True, True, "none"]
    assert words.vocabulary.words == (",", "cat", "sat", "the")
