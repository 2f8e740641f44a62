import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.models import precision
from tfvae.models.build import build_vae
from tfvae.models.precision import dtype_policy, resolve_precision
from tfvae.registry import resolve

SMALL = {"encoder.embedding_dim": 32, "encoder.hidden_dim": 32, "decoder.embedding_dim": 32, "decoder.hidden_dim": 32}
BATCH = {
    "tokens": tf.constant([[4, 5, 6, 7, 8, 3], [9, 9, 3, 0, 0, 0]]),
    "length": tf.constant([6, 3]),
    "weight": tf.ones([2]),
    "index": tf.range(2),
}


def build(model, numbers):
    return build_vae(resolve(model, "demo", base={**SMALL, "training.precision": numbers}), {"vocabulary_size": 40})


@pytest.mark.parametrize(
    ("flags", "expected"), [("fpu avx512f avx512_bf16", "bfloat16"), ("fpu amx_bf16", "bfloat16"), ("fpu avx512f", "float32")]
)
def test_auto_is_bfloat16_where_the_processor_has_it(monkeypatch, tmp_path, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    original = precision._cpu_has_bfloat16
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: original(tmp_path / "cpuinfo"))
    monkeypatch.setattr(precision, "_gpu_has_bfloat16", lambda: False)
    assert resolve_precision("auto") == expected


def test_auto_is_float32_where_nothing_is_known(tmp_path):
    assert not precision._cpu_has_bfloat16(tmp_path / "missing")
    assert [resolve_precision(name) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]
    assert dtype_policy("bfloat16") == "mixed_bfloat16"


@pytest.mark.parametrize("model", ["dem_vae", "vmf_vae", "rnn_lm"])
def test_bfloat16_scores_nearly_as_float32_and_keeps_latents_and_variables_in_float32(model):
    full, half = build(model, "float32"), build(model, "bfloat16")
    half.set_weights(full.get_weights())
    assert half.latent.compute_dtype == "float32" and half.decoder.compute_dtype == "bfloat16"
    assert {variable.dtype for variable in half.trainable_variables} == {"float32"}
    expected, scores = full(BATCH), half(BATCH)
    assert not np.array_equal(scores["reconstruction"], expected["reconstruction"])
    np.testing.assert_allclose(scores["reconstruction"], expected["reconstruction"], rtol=5e-3)
    assert scores["reconstruction"].dtype == tf.float32


def test_bfloat16_trains():
    model = build("dem_vae", "bfloat16")
    model.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    batches = tf.data.Dataset.from_tensors(BATCH).repeat(30)
    first, last = (model.fit(batches, epochs=1, verbose=0, shuffle=False).history["loss"][0] for _ in range(2))
    assert last < first
