"""Loads a SavedModel as a server does, without this project's code, and runs its signatures.

Run as a script, in a fresh process: loads.py MODEL REQUESTS ANSWERS [OP_LIBRARY]. REQUESTS is a JSON file {signature: {input: values}},
ANSWERS becomes one of outputs. The C API's TF_LoadSessionFromSavedModel, which is the C++ loader of TensorFlow Serving, must load the
model; signatures are run by a V1 session, as `saved_model_cli run` does.
"""

import ctypes
import json
import pathlib
import sys
from typing import Any

import numpy as np
import tensorflow as tf


def load_by_c_api(model: str, library: str) -> str:
    """Returns the C API's message; empty where the model loads."""
    folder = pathlib.Path(tf.sysconfig.get_lib())
    api = ctypes.CDLL(str(next(folder.glob("libtensorflow_cc.so*"))))
    for name in ("TF_NewStatus", "TF_NewSessionOptions", "TF_NewGraph", "TF_LoadSessionFromSavedModel", "TF_LoadLibrary"):
        getattr(api, name).restype = ctypes.c_void_p
    api.TF_Message.restype = ctypes.c_char_p
    status = ctypes.c_void_p(api.TF_NewStatus())
    if library:
        api.TF_LoadLibrary(library.encode(), status)
        if api.TF_GetCode(status):
            return api.TF_Message(status).decode()
    options, graph = ctypes.c_void_p(api.TF_NewSessionOptions()), ctypes.c_void_p(api.TF_NewGraph())
    tags = (ctypes.c_char_p * 1)(b"serve")
    session = api.TF_LoadSessionFromSavedModel(options, None, model.encode(), tags, 1, graph, None, status)
    if api.TF_GetCode(status):
        return api.TF_Message(status).decode()
    session = ctypes.c_void_p(session)
    api.TF_CloseSession(session, status)
    api.TF_DeleteSession(session, status)
    return api.TF_Message(status).decode()


def run(model: str, requests: dict[str, dict[str, Any]], library: str) -> dict[str, dict[str, Any]]:
    """Returns the outputs of every signature that requests name."""
    if library:
        tf.load_op_library(library)
    answers = {}
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], model)
        for name, inputs in requests.items():
            signature = graph.signature_def[name]
            feed = {tensor.name: np.array(inputs[key]) for key, tensor in signature.inputs.items()}
            outputs = session.run({key: tensor.name for key, tensor in signature.outputs.items()}, feed)
            answers[name] = {key: plain(value) for key, value in outputs.items()}
    return answers


def plain(value: np.ndarray) -> Any:
    """Returns an array as JSON has it, texts decoded."""
    return np.vectorize(bytes.decode, otypes=[object])(value).tolist() if value.dtype == object else value.tolist()


def main() -> int:
    """Entry point; the exit status is 1 where the C API does not load the model."""
    model, requests, answers, *library = sys.argv[1:]
    problem = load_by_c_api(model, "".join(library))
    if problem:
        print(problem, file=sys.stderr)
        return 1
    found = run(model, json.loads(pathlib.Path(requests).read_text()), "".join(library))
    pathlib.Path(answers).write_text(json.dumps(found))
    assert "tfvae" not in sys.modules
    return 0


if __name__ == "__main__":
    sys.exit(main())
