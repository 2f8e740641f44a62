import numpy as np
import pytest

from tfvae.evaluation.rules import COMMON, rules


def clusters(made, size=2):
    return {name: codes for name, _, codes in rules(made, size)}


def test_a_question_is_what_has_a_question_mark_in_any_token(material):
    found = clusters(material(["a"], ["is it ?", "it is .", "what?! no", "?", ""]))["rule: question mark"]
    assert found.tolist() == [1, 0, 1, 1, 0]


def test_texts_without_a_question_are_one_cluster(material):
    assert len(np.unique(clusters(material(["a"], ["it is .", "so"]))["rule: question mark"])) == 1


@pytest.mark.parametrize(("name", "at"), [("rule: first token", "{} x"), ("rule: last token", "x {}")])
def test_a_token_is_a_cluster_if_it_is_one_of_the_most_frequent_of_training(material, name, at):
    train = [at.format(f"w{i}") for i in range(COMMON) for _ in range(2)] + [at.format("rare")]
    other = {"{} x": "x {}", "x {}": "{} x"}[at]
    texts = [at.format("w3"), at.format("w3") if at == "x {}" else "w3 y", at.format("w4"), at.format("rare"), other.format("w3"), ""]
    same, again, different, *rest = clusters(material(train, texts))[name].tolist()
    assert same == again != different and max(same, different) < COMMON and rest == [COMMON] * 3


def test_bins_of_length_have_as_many_training_texts_each(material):
    texts = [" ".join(["a"] * length) for length in range(1, 81)]
    found = clusters(material(texts, texts), 4)["rule: length"]
    assert np.bincount(found).tolist() == [20, 20, 20, 20] and np.all(np.diff(found) >= 0)
    longer = clusters(material(texts, ["a " * 500, ""]), 4)["rule: length"]
    assert longer.tolist() == [3, 0]


def test_equal_lengths_are_one_bin_and_one_bin_is_no_cut(material):
    same = ["a b", "c d", "e f"]
    assert len(np.unique(clusters(material(same, same), 5)["rule: length"])) == 1
    assert clusters(material(["a", "a b"], ["a", "a b"]), 1)["rule: length"].tolist() == [0, 0]


def test_tokens_are_those_of_the_model_s_corpus(material):
    assert clusters(material(["it is."], ["it is.", "it is ."], split_punctuation=True))["rule: last token"].tolist() == [0, 0]
    assert clusters(material(["It is"], ["it is", "IT is"], lowercase=True))["rule: first token"].tolist() == [0, 0]


def test_where_the_order_of_words_is_lost_no_rule_reads_it_and_other_examples_have_none(material):
    assert set(clusters(material(["a"], ["a"], ordered=False))) == {"rule: question mark", "rule: length"}
    assert clusters(material(["a"], ["a"], unit="pixel")) == {}
