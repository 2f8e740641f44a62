import unicodedata

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.config import DataConfig
from tfvae.data import ptb
from tfvae.data.vocabulary import BOS, EOS, PAD, RESERVED, SPECIALS, UNK, Vocabulary, split_words
from tfvae.errors import UserError

WORDS = ["the", "cat", "sat", "日本語", "🙂", "שלום", "10\u00a0000", "naïve"]


def strings(tensor):
    return [text.decode() for text in tensor.numpy()]


def words(text, **kwargs):
    return [word.decode() for word in split_words([text], **kwargs)[0].numpy()]


def made_of(*texts, size=100, **kwargs):
    return Vocabulary.from_texts(texts, size=size, **kwargs).words


def test_special_tokens_have_the_first_four_ids():
    assert (PAD, UNK, BOS, EOS) == (0, 1, 2, 3)
    vocabulary = Vocabulary(WORDS)
    assert vocabulary.size == len(WORDS) + len(SPECIALS)
    assert vocabulary.tokenize(["the naïve"]).to_list() == [[4, len(WORDS) + 3, EOS]]


def test_call_pads_on_the_right_and_counts_the_end_of_sentence():
    batch = Vocabulary(WORDS)(["the cat sat", "", "cat"])
    assert batch["tokens"].numpy().tolist() == [[4, 5, 6, EOS], [EOS, PAD, PAD, PAD], [5, EOS, PAD, PAD]]
    assert batch["length"].numpy().tolist() == [4, 1, 2]
    assert batch["tokens"].dtype == batch["length"].dtype == tf.int32


def test_call_takes_lists_arrays_and_tensors():
    vocabulary, texts = Vocabulary(WORDS), ["the cat", "sat"]
    for given in (texts, np.array(texts), np.array(texts, object), tf.constant(texts)):
        assert vocabulary(given)["tokens"].numpy().tolist() == [[4, 5, EOS], [6, EOS, PAD]]


def test_no_texts_make_an_empty_batch():
    batch = Vocabulary(WORDS)(tf.constant([], tf.string))
    assert batch["tokens"].shape[0] == batch["length"].shape[0] == 0


@pytest.mark.parametrize("text", ["日本語 🙂", "שלום cat", "10\u00a0000 cat", "naïve", "", "the the"])
def test_known_words_of_any_script_round_trip(text):
    vocabulary = Vocabulary(WORDS)
    assert strings(vocabulary.detokenize(vocabulary([text])["tokens"])) == [text]


def test_unknown_words_and_unknown_marks_are_unknown():
    texts = ["dog <unk> _UNK <UNK> cat"]
    vocabulary = Vocabulary(WORDS)
    assert vocabulary.tokenize(texts).to_list() == [[UNK, UNK, UNK, UNK, 5, EOS]]
    assert strings(vocabulary.detokenize(vocabulary(texts)["tokens"])) == ["<unk> <unk> <unk> <unk> cat"]


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("split_punctuation", [False, True])
def test_no_text_can_spell_a_special_token(lowercase, split_punctuation):
    ids = Vocabulary(WORDS, lowercase, split_punctuation).tokenize([" ".join([*RESERVED, "<PAD>", "</S>", "<S>"])]).to_list()
    assert ids == [[UNK] * (len(RESERVED) + 3) + [EOS]]


def test_detokenize_stops_at_the_first_end_and_drops_padding_and_beginnings():
    ids = [[BOS, 4, PAD, 5, EOS, 6, EOS], [EOS, 4, 4, 4, 4, 4, 4], [4, 5, 6, 4, 5, 6, 4]]
    assert strings(Vocabulary(WORDS).detokenize(tf.constant(ids))) == ["the cat", "", "the cat sat the cat sat the"]


def test_white_space_is_the_six_ascii_spaces():
    assert words("\t a b\tc\nd\x0be\x0cf\rg  ") == list("abcdefg")
    others = ["\x1c", "\x85", "\u00a0", "\u2003", "\u2028", "\u202f", "\u3000", "\ufeff"]
    for space in others:
        assert words(f"a{space}b") == [f"a{space}b"]
        assert made_of(f"a{space}b") == (f"a{space}b",)


def test_words_are_ordered_by_count_and_then_by_code_point():
    assert made_of("b a 🙂 c", "a \uffee b", "c c") == ("c", "a", "b", "\uffee", "🙂")


def test_the_size_and_the_least_count_limit_the_words():
    texts = ["a a a b b c", "d"]
    assert made_of(*texts, size=2) == ("a", "b")
    assert made_of(*texts, min_count=2) == ("a", "b")
    assert made_of(*texts, size=1, min_count=3) == ("a",)


def test_the_size_counts_neither_special_tokens_nor_unknown_marks():
    texts = ["<unk> <unk> <unk> _UNK _UNK <UNK> <UNK> <pad> <s> </s> a a b"]
    assert made_of(*texts, size=2) == ("a", "b")
    assert made_of("_UNK <UNK> <S> A", lowercase=True) == ("a",)


def test_a_vocabulary_is_the_same_whatever_chunks_it_is_counted_in(monkeypatch):
    texts = [f"w{i % 7} w{i % 3} w{i}" for i in range(20)]
    whole = made_of(*texts)
    monkeypatch.setattr("tfvae.data.vocabulary.CHUNK", 3)
    assert made_of(*texts) == whole


@pytest.mark.parametrize("kwargs", [{}, {"lowercase": True}, {"split_punctuation": True}, {"lowercase": True, "split_punctuation": True}])
def test_every_word_that_was_counted_is_known(kwargs):
    texts = ["Straße İstanbul ΟΔΟΣ ⱯⱰ", "a\u00a0b\u3000c d", 'He said: "no, never..." (really?!) u.s.', "日本語。 🙂! שלום?"]
    vocabulary = Vocabulary.from_texts(texts, size=100, **kwargs)
    ids = vocabulary.tokenize(texts)
    assert UNK not in ids.flat_values.numpy()
    assert set(ids.flat_values.numpy()) == {EOS, *range(len(SPECIALS), vocabulary.size)}


def test_lower_casing_is_unicode_s():
    assert words("The ÉCOLE ДА 日本", lowercase=True) == ["the", "école", "да", "日本"]
    assert words("The", lowercase=False) == ["The"]


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("hello, world!", "hello , world !"),
        ("(see the 'u.s.' and u.s.)", "( see the 'u.s.' and u.s . )"),
        ("it's 3.14, e.g. don't", "it's 3.14 , e.g . don't"),
        ('"what?!" ... wait... … “so”', '" what ? ! " ... wait ... … “ so ”'),
        ("<unk> <unk>, (<unk>)", "<unk> <unk> , ( <unk> )"),
        (", , ,a ,\tb;\nc", ", , , a , b ; c"),
        ("a.\x0b,b\x0b.\x0cc,\rd", "a . , b . c , d"),
        ("a,b a-b", "a,b a-b"),
        ("", ""),
        ("...", "..."),
        ("10\u00a0000.", "10\u00a0000 ."),
    ],
)
def test_punctuation_at_the_edges_of_words_becomes_tokens(text, split):
    assert words(text, split_punctuation=True) == split.split(" ") * bool(split)


def test_texts_beside_one_another_do_not_change_each_other_s_punctuation():
    texts = ["a, b", "", "...", "(c)"]
    together = split_words(texts, split_punctuation=True).to_list()
    assert together == [split_words([text], split_punctuation=True)[0].numpy().tolist() for text in texts]


@pytest.mark.parametrize("kwargs", [{}, {"lowercase": True, "split_punctuation": True}])
def test_a_graph_gives_what_eager_execution_gives(kwargs):
    vocabulary, texts = Vocabulary(WORDS, **kwargs), tf.constant(["The cat, sat!", "", "日本語 🙂 <unk>"])
    call = tf.function(vocabulary.__call__, input_signature=[tf.TensorSpec([None], tf.string)])
    back = tf.function(vocabulary.detokenize, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    eager, graph = vocabulary(texts), call(texts)
    for key in ("tokens", "length"):
        np.testing.assert_array_equal(eager[key], graph[key])
    np.testing.assert_array_equal(vocabulary.detokenize(eager["tokens"]), back(graph["tokens"]))


def test_a_saved_model_carries_the_vocabulary(tmp_path):
    vocabulary = Vocabulary(WORDS, split_punctuation=True)
    module = tf.Module()
    module.vocabulary = vocabulary
    module.there = tf.function(vocabulary.__call__, input_signature=[tf.TensorSpec([None], tf.string)])
    module.back = tf.function(vocabulary.detokenize, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    batch = loaded.there(tf.constant(["שלום, cat", "dog"]))
    assert batch["tokens"].numpy().tolist() == vocabulary(["שלום, cat", "dog"])["tokens"].numpy().tolist()
    assert strings(loaded.back(batch["tokens"])) == ["שלום <unk> cat", "<unk>"]


def test_keras_serialization_gives_the_same_layer():
    vocabulary = Vocabulary(WORDS, lowercase=True, split_punctuation=True, name="words")
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(vocabulary))
    assert twin.get_config() == Vocabulary.from_config(vocabulary.get_config()).get_config() == vocabulary.get_config()
    assert twin.words == vocabulary.words
    assert twin.tokenize(["THE, cat"]).to_list() == vocabulary.tokenize(["THE, cat"]).to_list() == [[4, UNK, 5, EOS]]


def test_a_saved_vocabulary_loads_with_the_same_ids(tmp_path):
    vocabulary, path = Vocabulary([*WORDS, "a\x85b", "\ufeff", "c\u2028"]), tmp_path / "vocabulary.txt"
    vocabulary.save(path)
    assert path.read_text(encoding="utf-8").split("\n")[:5] == ["<pad>", "<unk>", "<s>", "</s>", "the"]
    assert [file.name for file in tmp_path.iterdir()] == ["vocabulary.txt"]
    loaded = Vocabulary.load(path, lowercase=True, split_punctuation=True)
    assert loaded.words == vocabulary.words
    assert (loaded.lowercase, loaded.split_punctuation) == (True, True)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("the\ncat\n", "must begin with the lines <pad>, <unk>, <s>, </s>"),
        ("<pad>\n<unk>\n</s>\n<s>\nthe\n", "must begin with"),
        ("<pad>\n<unk>\n<s>\n</s>\nthe\n\ncat\n", "no blank one"),
        ("<pad>\n<unk>\n<s>\n</s>\nthe\ncat\nthe\n", "'the' is there 2 times"),
        ("<pad>\n<unk>\n<s>\n</s>\nthe cat\n", "'the cat' is not a word"),
        ("<pad>\n<unk>\n<s>\n</s>\n_UNK\n", "'_UNK' is not a word"),
        ("<pad>\n<unk>\n<s>\n</s>\n", "no words"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_told(tmp_path, content, problem):
    path = tmp_path / "vocabulary.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        Vocabulary.load(path)
    assert str(caught.value).startswith(f"{path}: not a vocabulary: ")
    assert problem in str(caught.value)


def test_a_missing_vocabulary_is_told(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        Vocabulary.load(tmp_path / "vocabulary.txt")


@pytest.mark.parametrize("words", [[], ["a", ""], ["a b"], ["a\0"], ["</s>"], ["a", "b", "a"]])
def test_what_cannot_be_words_is_refused(words):
    with pytest.raises(UserError):
        Vocabulary(words)


@pytest.mark.parametrize("texts", [[], ["", "  "], ["<unk> _UNK", "</s>"]])
def test_texts_without_words_are_told(texts):
    with pytest.raises(UserError, match="the training texts have no word"):
        Vocabulary.from_texts(texts, size=10)


def test_a_least_count_that_leaves_no_words_is_told():
    with pytest.raises(UserError, match=r"config\.data\.min_count = 3"):
        Vocabulary.from_texts(["a a b"], size=10, min_count=3)


def test_the_real_corpus_has_its_published_number_of_words(data_dir):
    if not (data_dir / "ptb").is_dir():
        pytest.skip(f"no {data_dir / 'ptb'}")
    corpus = ptb.read(DataConfig(name="ptb", dir=str(data_dir / "ptb")))
    vocabulary = Vocabulary.from_texts(corpus.train.items, size=10_000)
    assert len(vocabulary.words) == 9_998
    assert vocabulary.words[:3] == ("the", "N", "of")


def test_composed_and_decomposed_spellings_are_one_word():
    composed, decomposed = (unicodedata.normalize(form, "café où naïve") for form in ("NFC", "NFD"))
    vocabulary = Vocabulary.from_texts([composed, decomposed, decomposed], size=10)
    assert sorted(vocabulary.words) == sorted(composed.split())
    assert vocabulary.tokenize([composed]).to_list() == vocabulary.tokenize([decomposed]).to_list()
    apart = Vocabulary.from_texts([composed, decomposed], size=10, unicode="none")
    assert len(apart.words) == 6 and apart.tokenize([composed]).to_list() != apart.tokenize([decomposed]).to_list()
    assert Vocabulary(apart.words).tokenize([composed]).to_list() == apart.tokenize([composed]).to_list()  # a word of its own keeps its id
