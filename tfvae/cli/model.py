"""What the commands that use a trained model share."""

import dataclasses
import pathlib
import tempfile
from typing import Any

from absl import flags

from tfvae.data import corpora
from tfvae.data.files import read_lines
from tfvae.errors import UserError
from tfvae.generation.decoding import METHODS, Decoding
from tfvae.models.registry import resolve
from tfvae.models.text_vae import TextVAE
from tfvae.training.fit import fit, load
from tfvae.training.run import Run

SMOKE = {
    "data.limit": 300,
    "encoder.embedding_dim": 16,
    "encoder.hidden_dim": 16,
    "decoder.embedding_dim": 16,
    "decoder.hidden_dim": 16,
    "training.epochs": 2,
}
"""A configuration that trains in seconds."""

_DECODING = {
    "method": f"How words are chosen, one of {', '.join(METHODS)}.",
    "temperature": "sample: divides the logits; below 1 words are more probable ones.",
    "top_k": "sample: only the k most probable words; 0 for all.",
    "top_p": "sample: only the most probable words that together have this probability.",
    "beam_width": "beam: hypotheses that are followed.",
    "length_penalty": "beam: hypotheses are ranked by log p / ((5 + length) / 6)^length_penalty.",
    "max_length": "Most tokens of a sentence, its end included.",
    "unknown": "Whether the unknown word may be written.",
}


def smoke_directory() -> str:
    """Returns a new temporary run directory."""
    return str(pathlib.Path(tempfile.mkdtemp(prefix="tfvae-smoke-")) / "run")


def define_model_flags(values: flags.FlagValues) -> None:
    """Defines --run and --smoke."""
    flags.DEFINE_string("run", "", "Run directory of a trained model.", flag_values=values)
    flags.DEFINE_bool("smoke", False, "The whole path in seconds: trains a tiny model on the demo corpus first.", flag_values=values)


def define_decoding_flags(values: flags.FlagValues, method: str) -> None:
    """Defines --seed and a flag for each field of `Decoding`; `method` is the command's own default."""
    flags.DEFINE_integer("seed", 0, "Seed of everything that is drawn.", flag_values=values)
    define: dict[type, Any] = {str: flags.DEFINE_string, int: flags.DEFINE_integer, float: flags.DEFINE_float, bool: flags.DEFINE_bool}
    for field in dataclasses.fields(Decoding):
        default: Any = method if field.name == "method" else field.default
        define[type(default)](field.name, default, f"{_DECODING[field.name]} (default {default})", flag_values=values)


def decoding_from_flags(values: flags.FlagValues) -> dict[str, Any]:
    """Returns the fields of `Decoding`, of which those that the method does not read may not be given.

    Raises:
      UserError: a flag means nothing for the method.
    """
    fields = {name: values[name].value for name in _DECODING}
    owner = {name: text.partition(":")[0] for name, text in _DECODING.items() if ": " in text}
    for name, method in owner.items():
        if method in METHODS and values[name].present and method != values.method:
            raise UserError(f"--{name} means nothing for --method={values.method}: leave it out, or use --method={method}")
    return fields


def model_from_flags(values: flags.FlagValues) -> tuple[TextVAE, Run]:
    """Returns the trained model and its run.

    Raises:
      UserError: no run is named, or it holds no model.
    """
    if values.smoke and not values.run:
        return fit(resolve("dem_vae", "demo", base=SMOKE), smoke_directory(), say=lambda message: None)
    if not values.run:
        raise UserError("--run is missing: name the directory of a trained model")
    return load(values.run), Run(values.run)


def define_text_flags(values: flags.FlagValues) -> None:
    """Defines --text and --input."""
    flags.DEFINE_multi_string("text", [], "A text; may be given several times.", flag_values=values)
    flags.DEFINE_string("input", "", "File of texts, one a line, plain or .gz.", flag_values=values)


def texts_from_flags(values: flags.FlagValues, run: Run, num: int) -> list[str]:
    """Returns the texts of --text, or of the file --input, or the first `num` test sentences of the run's corpus.

    Raises:
      UserError: both are given, or the file cannot be read.
    """
    if values.text and values.input:
        raise UserError("--text and --input are two sources of texts: give one")
    if values.text:
        return list(values.text)
    if values.input:
        return read_lines(values.input, advice="check --input")[0]
    return test_sentences(run, num)


def test_sentences(run: Run, num: int) -> list[str]:
    """Returns the first `num` sentences of the test split of a run's corpus."""
    config = run.config()
    return list(corpora.read(config.data, config.training.seed).test.texts[:num])
