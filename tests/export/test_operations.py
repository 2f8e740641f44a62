import pytest
import tensorflow as tf

from tfvae.errors import UserError
from tfvae.export.operations import check_operations, reaching_out


class _Module(tf.Module):
    def __init__(self, inner):
        super().__init__()
        self.weight = tf.Variable(1.0)
        self.inner = tf.function(inner)

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def serve(self, text):
        return {"made": tf.strings.join([self.inner(text), tf.strings.as_string(self.weight)])}


def saved(folder, inner):
    module = _Module(inner)
    tf.saved_model.save(module, str(folder), signatures=module.serve)
    return folder


def test_a_models_own_variables_are_no_reason(tmp_path):
    assert reaching_out(saved(tmp_path, tf.strings.lower)) == []
    check_operations(tmp_path)


@pytest.mark.parametrize(
    ("inner", "operation"),
    [
        (tf.io.read_file, "ReadFile"),
        (lambda text: tf.cond(tf.strings.length(text) > 3, lambda: tf.io.read_file(text), lambda: text), "ReadFile"),
        (lambda text: tf.io.matching_files(text)[0], "MatchingFiles"),
        (
            lambda text: tf.strings.as_string(
                tf.raw_ops.RestoreV2(prefix=text, tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])[0]
            ),
            "RestoreV2",
        ),
        (lambda text: tf.ensure_shape(tf.py_function(lambda value: value, [text], tf.string), []), "EagerPyFunc"),
    ],
)
def test_what_reaches_files_or_python_is_named_however_deep_it_is(tmp_path, inner, operation):
    assert reaching_out(saved(tmp_path, inner)) == [operation]
    with pytest.raises(UserError, match=f"reach files, addresses or Python, {operation}"):
        check_operations(tmp_path)


def test_a_function_that_writes_is_found(tmp_path):
    def inner(text):
        with tf.control_dependencies([tf.io.write_file(text, "mine")]):
            return tf.identity(text)

    assert reaching_out(saved(tmp_path, inner)) == ["WriteFile"]


def test_a_damaged_graph_is_said(tmp_path):
    with pytest.raises(UserError, match=r"saved_model.pb cannot be read: No such file"):
        reaching_out(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 50)
    with pytest.raises(UserError, match=r"saved_model.pb is damaged"):
        reaching_out(tmp_path)
