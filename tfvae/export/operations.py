"""What the graphs of a SavedModel may do: a graph is a program, and TensorFlow runs whatever it says, files and Python included."""

import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from tfvae.errors import UserError, listed

_REACHING_OUT = re.compile(
    "File|Dataset|Iterator|PyFunc|Reader(?!Gather)|Checkpoint|Restore|Save|Summary|Snapshot|Print|Debug|Dump|Rpc|Remote|Abort|Socket|Directory"
)
"""Operations that open files or addresses, print, end the process or call Python, by what their names have in them."""
_VARIABLES = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"})
"""Those by which every SavedModel's variables are read and written, allowed there alone."""


def reaching_out(path: pathlib.Path) -> list[str]:
    """Returns the operations of a SavedModel's graphs that reach beyond memory, but for how its own variables are read and written.

    Every function is looked at, also those that no signature calls.

    Args:
      path: the folder of a SavedModel.

    Raises:
      UserError: there is none, or its graphs are damaged.
    """
    file = path / "saved_model.pb"
    try:
        saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    except DecodeError:
        raise UserError(f"{file} is damaged: export the model anew") from None
    found: set[str] = set()
    for meta_graph in saved.meta_graphs:
        functions = {function.signature.name: function.node_def for function in meta_graph.graph_def.library.function}
        saver = meta_graph.saver_def
        names = {name.partition(":")[0] for name in (saver.save_tensor_name, saver.restore_op_name)}
        own = [node for node in meta_graph.graph_def.node if node.name in names]
        others = [node for node in meta_graph.graph_def.node if node.name not in names]
        called = _reached(own, functions)
        found |= _reaching(own) - _VARIABLES
        found |= _reaching(others)
        for name, nodes in functions.items():
            found |= _reaching(nodes) - (_VARIABLES if name in called else set())
    return sorted(found)


def check_operations(path: pathlib.Path) -> None:
    """Raises UserError where the graphs of a SavedModel reach beyond memory."""
    if found := reaching_out(path):
        raise UserError(f"{path}: its graphs have operations that reach files, addresses or Python, {listed(found)}: see docs/security.md")


def _reaching(nodes: Iterable[Any]) -> set[str]:
    return {node.op for node in nodes if _REACHING_OUT.search(node.op)}


def _reached(nodes: Iterable[Any], functions: Mapping[str, Iterable[Any]]) -> set[str]:
    """The functions that nodes call, and those that these call."""
    reached: set[str] = set()
    waiting = [name for node in nodes for name in _calls(node)]
    while waiting:
        name = waiting.pop()
        if name in functions and name not in reached:
            reached.add(name)
            waiting += [other for node in functions[name] for other in _calls(node)]
    return reached


def _calls(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        yield from (called.name for called in (value.func, *value.list.func) if called.name)
