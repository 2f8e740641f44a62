"""An exported model in memory, without the code that made it."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.export.operations import check_operations


@dataclasses.dataclass(frozen=True)
class LoadedSignature:
    """A signature of an exported model.

    Attributes:
      inputs: each input's type and shape, by name.
      outputs: the same of outputs.
      function: arrays in the order of the inputs -> arrays in the order of the outputs.
    """

    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]
    function: Callable[..., list[np.ndarray]]


class LoadedModel:
    """A version of an exported model.

    Attributes:
      signatures: by name.
    """

    def __init__(self, path: pathlib.Path, *, trusted: bool = False, threads: int = 0) -> None:
        """Loads it, with TensorFlow Text's operations where it says that it needs them.

        Args:
          path: the version's folder.
          trusted: whether its graphs may reach beyond memory.
          threads: of the processor that it uses; 0: all.

        Raises:
          UserError: it is none, or its graphs reach beyond memory and may not.
        """
        if not trusted:
            check_operations(path)
        described = path / "config.json"
        if described.exists() and json.loads(described.read_text())["config"]["data"]["tokenizer"] != "word":
            import tensorflow_text  # noqa: F401
        # What eager TensorFlow loads stays registered with it for good; a graph and a session of its own are freed whole.
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
        config.graph_options.rewrite_options.disable_meta_optimizer = True  # it doubles the time of loading
        session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
        with session.graph.as_default():
            loaded = tf.compat.v1.saved_model.load(session, [tf.saved_model.SERVING], str(path))
        self.signatures = {
            name: LoadedSignature(
                {key: _spec(info) for key, info in one.inputs.items()},
                {key: _spec(info) for key, info in one.outputs.items()},
                session.make_callable([info.name for info in one.outputs.values()], [info.name for info in one.inputs.values()]),
            )
            for name, one in loaded.signature_def.items()
            if one.inputs
        }

    def run(self, name: str, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the outputs of a signature by name."""
        signature = self.signatures[name]
        return dict(zip(signature.outputs, signature.function(*(feeds[key] for key in signature.inputs)), strict=True))


def _spec(info: Any) -> tf.TensorSpec:
    return tf.TensorSpec(info.tensor_shape, info.dtype)
