"""Requests that TensorFlow Serving runs when it loads a model, so that the first user does not wait for it."""

import pathlib
from collections.abc import Mapping

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from tfvae.export.examples import Request
from tfvae.export.signatures import Signature

FILE = "assets.extra/tf_serving_warmup_requests"


def write_warmup(path: pathlib.Path, name: str, version: int, signatures: Mapping[str, Signature], requests: Mapping[str, Request]) -> None:
    """Writes a request a signature as the records that TensorFlow Serving reads.

    Args:
      path: of the SavedModel.
      name: that the model is served under.
      version: of the model.
      signatures: of the model.
      requests: inputs by name, for each signature.
    """
    (path / FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path / FILE)) as writer:
        for key, signature in signatures.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = name, key
            request.model_spec.version.value = version
            for spec in signature.inputs:
                request.inputs[spec.name].CopyFrom(tf.make_tensor_proto(requests[key][spec.name], spec.dtype))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())
