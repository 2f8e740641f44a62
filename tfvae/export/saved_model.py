"""From a run to a SavedModel that a server loads: written beside, checked in a fresh process, renamed into place."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.config import Config
from tfvae.data import corpora
from tfvae.errors import UserError
from tfvae.evaluation.evaluate import read_evaluation
from tfvae.export import loads
from tfvae.export.card import long_requests, model_card
from tfvae.export.examples import examples
from tfvae.export.operations import check_operations
from tfvae.export.settings import Settings
from tfvae.export.signatures import Signature, make_signatures
from tfvae.export.warmup import write_warmup
from tfvae.models.model import Model
from tfvae.progress import Progress, no_progress
from tfvae.registry.applicable import reason_unused
from tfvae.training.fit import load
from tfvae.training.lock import writing
from tfvae.training.run import Run, versions
from tfvae.training.zoo import find

DEFAULT = "serving_default"
_FALLBACK = ("encode", "score", "generate")
"""Signatures of which the first that the model has is the default one."""
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
"""Names that a model may be served under."""
_TOLERANCE = 1e-4
_PARTIAL = "partial-"


def export(
    run: str,
    folder: str = "saved_models",
    *,
    name: str = "",
    version: int = 0,
    settings: Settings | None = None,
    progress: Progress = no_progress,
    say: Callable[[str], None] = lambda line: None,
) -> pathlib.Path:
    """Exports the selected epoch of a run.

    Args:
      run: the run directory.
      folder: of models; the model goes to <folder>/<name>/<version>.
      name: by default the model's, "dem_vae".
      version: by default one more than the highest that is there.
      settings: what is fixed; by default `Settings()`.
      progress: shows how far it is.
      say: hears of each stage, a line each.

    Returns:
      the directory of the version.

    Raises:
      UserError: the run holds no model, the name or the version may not be used, or what was written reaches files, is not loaded by the
        C++ loader or answers otherwise than the model does.
    """
    settings = settings or Settings()
    place = find(run)
    config = place.config()
    model = load(run, precision="float32")
    name = name or config.model
    home = pathlib.Path(folder) / _checked(name)
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        version = version or 1 + max(versions_of(home), default=0)
        target = home / str(version)
        if target.exists():
            raise UserError(f"--version={version}: {target} is there already; leave out --version for the next one")
        _export(model, config, place, name, version, settings, target, progress, say)
    return target


@contextlib.contextmanager
def _alone(home: pathlib.Path) -> Iterator[None]:
    """Keeps other exports of the model waiting, and deletes what killed ones left."""
    with writing(home, wait=True):
        for left in home.glob(f"{_PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _export(
    model: Model,
    config: Config,
    place: Run,
    name: str,
    version: int,
    settings: Settings,
    target: pathlib.Path,
    progress: Progress,
    say: Callable[[str], None],
) -> None:
    # no server takes a folder for a version whose name is no number
    partial = pathlib.Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=target.parent))
    try:
        signatures = make_signatures(model, settings)
        requests = examples(signatures, _items(config, model))
        say(f"writing {', '.join(signatures)}")
        write(model, signatures, partial, progress)
        check_operations(partial)
        library = op_library(config)
        say("checking it by the C++ loader, in a process of its own")
        problem = check(partial, signatures, requests, library, progress)
        if problem:
            raise UserError(f"--run={place.path}: the export is not usable and was not kept: {problem}")
        write_warmup(partial, name, version, signatures, requests)
        _describe(partial, name, version, config, place, model, signatures, settings)
        partial.chmod(0o755)
        os.rename(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write(model: Model, signatures: Mapping[str, Signature], path: pathlib.Path, progress: Progress = no_progress) -> None:
    """Writes signatures as a SavedModel; the first of `_FALLBACK` that there is also under the name that servers take by default."""
    module = tf.Module()
    # Keras's own objects would end up in the graph under names that the C++ loader does not find.
    module.state = [variable.value for variable in model.vae.variables]
    module.tables = model.modality.tables()
    functions = {}
    for name, signature in progress("writing", signatures.items(), len(signatures)):
        function = tf.function(signature.function, autograph=False)
        inputs = {spec.name: spec for spec in signature.inputs}
        functions[name] = function.get_concrete_function(**inputs)
    functions[DEFAULT] = functions[_default(signatures)]
    module.functions = list(functions.values())
    tf.saved_model.save(module, str(path), signatures=functions)


def _default(signatures: Mapping[str, Signature]) -> str:
    return next(name for name in _FALLBACK if name in signatures)


def check(
    path: pathlib.Path,
    signatures: Mapping[str, Signature],
    requests: Mapping[str, Mapping[str, Any]],
    library: str = "",
    progress: Progress = no_progress,
) -> str:
    """Loads a SavedModel in a fresh process by the C++ loader and runs every signature.

    Args:
      path: of the SavedModel.
      signatures: that it was made of, which say what the answers must be.
      requests: inputs by name, for each signature.
      library: path of a library of operations that it needs; "" for none.
      progress: shows how far it is.

    Returns:
      what is wrong; empty where it loads and answers equal Python's: numbers to 1e-4, texts and whole numbers exactly.
    """
    with tempfile.TemporaryDirectory() as directory:
        asked, answered = pathlib.Path(directory) / "requests.json", pathlib.Path(directory) / "answers.json"
        asked.write_text(json.dumps(requests))
        # paths are whole, as the process runs in a folder of its own, where no module of the user's is found in place of a library's
        command = [sys.executable, "-I", loads.__file__, str(path.resolve()), str(asked), str(answered), *([library] if library else [])]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        outcome = subprocess.run(command, capture_output=True, text=True, cwd=directory, env=environment, check=False)
        if outcome.returncode:
            lines = outcome.stderr.strip().splitlines() or [f"the loader ended with status {outcome.returncode}"]
            return f"it does not load: {lines[-1]}"
        answers = json.loads(answered.read_text())
    for name, signature in progress("checking", signatures.items(), len(signatures)):
        for key, tensor in signature.function(**_tensors(signature, requests[name])).items():
            found, expected = answers[name][key], loads.plain(tensor.numpy())
            same = np.allclose(found, expected, _TOLERANCE, _TOLERANCE) if tensor.dtype.is_floating else found == expected
            if not same:
                return f"{name} answers {key} = {found!r:.200}, the model {expected!r:.200}"
    return ""


def _tensors(signature: Signature, feed: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    return {spec.name: tf.constant(feed[spec.name], spec.dtype) for spec in signature.inputs}


def op_library(config: Config) -> str:
    """Returns the library of operations that a model needs beside TensorFlow's own; "" for none."""
    if config.data.tokenizer == "word" or reason_unused(config, "data.tokenizer"):
        return ""
    import tensorflow_text

    folder = pathlib.Path(tensorflow_text.__file__).parent
    return str(next(folder.rglob("_fast_wordpiece_tokenizer.so")))


def versions_of(home: pathlib.Path) -> list[int]:
    """Returns the versions of a model that are there, ascending."""
    return sorted(int(path.name) for path in home.glob("*") if re.fullmatch("[0-9]+", path.name)) if home.is_dir() else []


def _checked(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise UserError(f"--name={name!r:.100}: must be letters, digits, '.', '_' and '-', the first a letter or a digit")
    return name


def _items(config: Config, model: Model) -> Any:
    """A few items of the corpus, or what the modality has in their place where it is not at hand."""
    try:
        return model.modality.inputs(corpora.read(config.data).test.items[:3])
    except UserError:
        return model.modality.input_stand_ins()[:3]


def _describe(
    path: pathlib.Path,
    name: str,
    version: int,
    config: Config,
    run: Run,
    model: Model,
    signatures: Mapping[str, Signature],
    settings: Settings,
) -> None:
    """Writes the model card, requests that are too long for it, and the configuration beside the model."""
    card = model_card(name, version, config, signatures, settings, read_evaluation(run), model, default=_default(signatures))
    for file, body in long_requests(examples(signatures, model.modality.input_stand_ins()[:2])).items():
        (path / file).parent.mkdir(exist_ok=True)
        (path / file).write_text(body + "\n", encoding="utf-8")
    (path / "README.md").write_text(card, encoding="utf-8")
    described = {"config": config.to_dict(), "versions": {**run.versions(), "exported_by": versions()}, "settings": vars(settings)}
    (path / "config.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
