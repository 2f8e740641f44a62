"""Word vectors that others have trained."""

import gzip

import numpy as np
import pytest

from tfvae.errors import UserError
from tfvae.training.fit import fit

WORDS = ("train", "the", "soup", "nowhere")
VECTORS = np.random.default_rng(0).normal(3.0, 2.0, (4, 6))


def lines(head=""):
    return head + "".join(f"{word} {' '.join(f'{x:.5f}' for x in vector)}\n" for word, vector in zip(WORDS, VECTORS, strict=True))


@pytest.mark.parametrize(("name", "head"), [("glove.txt", ""), ("cc.vec", "4 6\n"), ("cc.vec.gz", "4 6\n")])
def test_words_begin_with_their_vectors(tiny, tmp_path, name, head):
    (tmp_path / name).write_bytes(gzip.compress(lines(head).encode()) if name.endswith(".gz") else lines(head).encode())
    said = []
    config = tiny(
        "vae", encoder__embedding_dim=6, training__embeddings=str(tmp_path / name), training__learning_rate=1e-9, training__epochs=1
    )
    model, _ = fit(config, str(tmp_path / "run"), say=said.append)
    assert any(f"3 of {len(model.modality.vocabulary.words):,} words begin with vectors of {name}" in line for line in said)
    [table] = [weight.numpy() for weight in model.vae.encoder.weights if weight.shape == (model.modality.vocabulary.size, 6)]
    rows = table[[4 + model.modality.vocabulary.words.index(word) for word in WORDS[:3]]]
    centred = VECTORS[:3] - VECTORS[:3].mean(axis=0)
    np.testing.assert_allclose(np.corrcoef(rows.ravel(), centred.ravel())[0, 1], 1.0, atol=1e-4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("zzz 1 2 3\n", "none of the"),
        ("train 1 2 3\n", "vectors of 3 numbers, and no table of the model has such: --config.encoder.embedding_dim=3"),
        ("train 1 2 x\n", ":1: a word and its numbers are wanted"),
        ("train 1 2 3\nthe 1 2\n", ":2: "),
        ("train 1 nan 3\n", "all finite"),
        ("train 1 1e60 3\n", "all finite"),
    ],
)
def test_malformed_vectors_are_said(tiny, tmp_path, content, message):
    if content is not None:
        (tmp_path / "v.txt").write_text(content)
    with pytest.raises(UserError, match=message):
        fit(tiny("vae", training__embeddings=str(tmp_path / "v.txt"), training__epochs=1), str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
