import numpy as np
import pytest
import tensorflow as tf

from tfvae.errors import UserError
from tfvae.serving.limits import Limits
from tfvae.serving.runtime import ExportedModel, slices_of


def rows(*texts):
    return {"texts": np.array([text.encode() for text in texts], object)}


def test_large_requests_are_cut_into_slices_that_make_up_the_whole():
    for feeds, sizes in (
        (rows("a"), [1]),
        (rows(*["a" * 30_000] * 3), [1, 1, 1]),
        (rows(*["ü" * 20_000] * 3), [2, 1]),
        (rows("a", "a", "a" * 40_000, "a"), [2, 1, 1]),
        ({"seed": np.arange(130), "z": np.zeros([130, 2])}, [64, 64, 2]),
    ):
        found = slices_of(feeds)
        for name, values in feeds.items():
            assert [len(one[name]) for one in found] == sizes
            assert np.array_equal(np.concatenate([one[name] for one in found]), values)


def test_a_graph_that_reads_files_is_loaded_only_when_trusted(tmp_path):
    class Reader(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="texts")])
        def read(self, texts):
            return {"contents": tf.map_fn(tf.io.read_file, texts)}

    reader = Reader()
    tf.saved_model.save(reader, str(tmp_path / "1"), signatures=reader.read)
    (tmp_path / "secret").write_text("of this machine")
    with pytest.raises(UserError, match=r"reach files, addresses or Python, ReadFile: see docs/security\.md"):
        ExportedModel(tmp_path / "1", Limits())
    model = ExportedModel(tmp_path / "1", Limits(), trusted=True)
    assert model.run("serving_default", rows(str(tmp_path / "secret")))["contents"].tolist() == [b"of this machine"]
