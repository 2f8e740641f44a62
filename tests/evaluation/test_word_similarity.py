import numpy as np
import pytest

from tfvae.errors import UserError
from tfvae.evaluation.word_similarity import learned_vectors, similarities
from tfvae.training.word_vectors import read_vectors

VECTORS = {"a": np.array([1.0, 0.0]), "b": np.array([0.0, 1.0]), "c": np.array([-3.0, 0.5])}


def test_averages_extrema_and_greedy_matches_are_cosines():
    scores, known = similarities(["a b zzz"], ["a c"], VECTORS)
    assert known == 1
    mean, other = np.array([0.5, 0.5]), np.array([-1.0, 0.25])
    np.testing.assert_allclose(scores["average"], mean @ other / np.linalg.norm(mean) / np.linalg.norm(other))
    extreme, other = np.array([1.0, 1.0]), np.array([-3.0, 0.5])
    np.testing.assert_allclose(scores["extrema"], extreme @ other / np.linalg.norm(extreme) / np.linalg.norm(other))
    cos_bc = 0.5 / np.linalg.norm(VECTORS["c"])
    there, back = (1 + cos_bc) / 2, (1 + cos_bc) / 2  # a finds a, b finds c; a finds a, c finds b
    np.testing.assert_allclose(scores["greedy"], (there + back) / 2)


def test_pairs_without_known_words_do_not_count():
    scores, known = similarities(["a", "zzz", "", "<unk> a"], ["a", "a", "a", "a"], VECTORS)
    assert known == 2 and all(np.allclose(values, 1) for values in scores.values())
    assert similarities(["z"], ["a"], VECTORS)[1] == 0


def test_learned_vectors_are_alike_where_words_share_texts():
    texts = ["red apple", "red pear", "green apple", "green pear", "fast car", "fast bus", "slow car", "slow bus"] * 3
    vectors = learned_vectors(texts, 0)
    assert set(vectors) == set(" ".join(texts).split())
    assert vectors["apple"] @ vectors["red"] > 0.5 > abs(vectors["apple"] @ vectors["car"])
    assert learned_vectors(["one"], 0) == {}


def test_a_file_s_vectors_are_read(tmp_path):
    (tmp_path / "v.txt").write_text("2 3\na 1 2 3\nb 4 5 6\n")
    assert [(word, vector.tolist()) for word, vector in read_vectors(str(tmp_path / "v.txt"), "")] == [("a", [1, 2, 3]), ("b", [4, 5, 6])]
    with pytest.raises(UserError, match=r"none\.txt: no such file; check --word_vectors"):
        list(read_vectors(str(tmp_path / "none.txt"), "check --word_vectors"))
