import subprocess
import sys
import unicodedata

import keras
import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import demo
from tfvae.data.tokenizers import learn_vocabulary, load_vocabulary
from tfvae.data.wordpiece import JOINER, WordpieceVocabulary
from tfvae.errors import UserError
from tfvae.tokens import BOS, EOS, PAD, UNK

WORDS = ["un", f"{JOINER}happi", f"{JOINER}ness", "the", "h", f"{JOINER}s", "#", f"{JOINER}#"]


def strings(tensor):
    return [text.decode() for text in tensor.numpy()]


@pytest.fixture(scope="module")
def learned():
    return WordpieceVocabulary.from_texts(demo.read().train.items, size=300)


def test_a_word_falls_into_the_longest_pieces_that_fit():
    assert WordpieceVocabulary(WORDS).tokenize(["unhappiness the hs"]).to_list() == [[4, 5, 6, 7, 8, 9, EOS]]


def test_pieces_join_again_up_to_the_end():
    vocabulary = WordpieceVocabulary(WORDS)
    texts = ["unhappiness the hs", "", "the the"]
    assert strings(vocabulary.detokenize(vocabulary(texts)["tokens"])) == texts


def test_special_tokens_and_unknown_marks_in_texts_are_unknown():
    ids = WordpieceVocabulary(WORDS).tokenize(["<unk> _UNK <s> </s> <pad> xyz the", "</s>h <s>s <pad>s <unk>s"]).to_list()
    assert ids[0] == [UNK] * 6 + [7, EOS]
    assert ids[1] == [UNK] * 4 + [EOS]
    assert not {PAD, BOS} & set(ids[1])


def test_a_learned_vocabulary_has_the_size_asked_for_and_spells_every_text(learned):
    assert 250 <= len(learned.words) <= 300
    texts = list(demo.read().test.items)
    assert strings(learned.detokenize(learned(texts)["tokens"])) == texts
    pieces = np.mean(learned(texts)["length"]) / np.mean([len(text.split()) + 1 for text in texts])
    assert 1.0 < pieces < 2.5


@pytest.mark.parametrize("size", [60, 100, 10_000])
def test_it_never_has_more_pieces_than_asked_for(size):
    texts = [" ".join(f"w{a}{b}x" for b in "abcde") for a in "abcdefghij"]
    assert len(WordpieceVocabulary.from_texts(texts, size=size).words) <= size


@pytest.mark.parametrize("text", ["the ##s #", "h" * 101, "hs" * 5000])
def test_marks_and_very_long_words_round_trip(text):
    vocabulary = WordpieceVocabulary([*WORDS, f"{JOINER}h"])
    assert strings(vocabulary.detokenize(vocabulary([text])["tokens"])) == [text]


def test_words_longer_than_a_piece_may_be_are_learned_from():
    vocabulary = WordpieceVocabulary.from_texts(["日本語" * 40, "日本"], size=50)
    assert strings(vocabulary.detokenize(vocabulary(["日本語" * 40])["tokens"])) == ["日本語" * 40]


def test_texts_without_a_word_are_refused():
    with pytest.raises(UserError, match="no word"):
        WordpieceVocabulary.from_texts(["<unk>"], size=50)


def test_a_word_never_seen_is_spelled_from_its_characters(learned):
    assert strings(learned.detokenize(learned(["unbelievableness"])["tokens"])) == ["unbelievableness"]


def test_casing_and_punctuation_are_as_for_words():
    vocabulary = WordpieceVocabulary.from_texts(["The cat, the CAT."] * 3, size=60, lowercase=True, split_punctuation=True)
    assert strings(vocabulary.detokenize(vocabulary(["THE cat."])["tokens"])) == ["the cat ."]


def test_a_size_below_the_characters_is_refused():
    with pytest.raises(UserError, match=r"vocabulary_size = 10: the texts have \d+ characters"):
        WordpieceVocabulary.from_texts(demo.read().train.items[:100], size=10)


def test_it_round_trips_through_its_file_and_its_configuration(learned, tmp_path):
    data = DataConfig(tokenizer="wordpiece")
    learned.save(tmp_path / "vocabulary.txt")
    copies = (
        load_vocabulary(tmp_path / "vocabulary.txt", data),
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(learned)),
    )
    for copy in copies:
        assert isinstance(copy, WordpieceVocabulary) and copy.words == learned.words
        np.testing.assert_array_equal(copy(["is this soup fresh ?"])["tokens"], learned(["is this soup fresh ?"])["tokens"])


def test_the_settings_choose_the_tokenizer():
    texts = list(demo.read().train.items[:500])
    assert type(learn_vocabulary(texts, DataConfig(tokenizer="wordpiece", vocabulary_size=200))) is WordpieceVocabulary
    assert type(learn_vocabulary(texts, DataConfig())) is not WordpieceVocabulary


def test_tensorflow_text_is_imported_only_for_it():
    code = "import sys, tfvae.training.fit, tfvae.cli.encode; sys.exit('tensorflow_text' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_pieces_of_both_spellings_are_the_same():
    composed, decomposed = (unicodedata.normalize(form, "café où café") for form in ("NFC", "NFD"))
    vocabulary = WordpieceVocabulary.from_texts([composed] * 3, size=40)
    assert vocabulary.tokenize([composed]).to_list() == vocabulary.tokenize([decomposed]).to_list()
    assert strings_of(vocabulary, composed) == strings_of(vocabulary, decomposed) == composed


def strings_of(vocabulary, text):
    return vocabulary.detokenize(vocabulary.tokenize([text]).to_tensor()).numpy()[0].decode()
