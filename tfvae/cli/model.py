"""What the commands that use a trained model share."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from tfvae.errors import UserError
from tfvae.generation.decoding import METHODS, Decoding
from tfvae.training.run import Run
from tfvae.training.zoo import find

if TYPE_CHECKING:
    from tfvae.modalities.modality import Modality
    from tfvae.models.model import Model


SMOKE = {
    "data.limit": 300,
    "encoder.embedding_dim": 16,
    "encoder.hidden_dim": 16,
    "decoder.embedding_dim": 16,
    "decoder.hidden_dim": 16,
    "decoder.context_embedding_dim": 16,
    "decoder.turn_dim": 16,
    "decoder.context_dim": 16,
    "training.epochs": 2,
}
"""A configuration that trains in seconds."""

# The help of each field of Decoding, and the method that reads it, where it is one alone.
_DECODING = {
    "method": (f"how words are chosen, one of {', '.join(METHODS)}", ""),
    "temperature": ("divides the logits; below 1 words are more probable ones", "sample"),
    "top_k": ("only the k most probable words; 0 for all", "sample"),
    "top_p": ("only the most probable words that together have this probability", "sample"),
    "beam_width": ("hypotheses that are followed", "beam"),
    "length_penalty": ("hypotheses are ranked by log p / ((5 + length) / 6)^length_penalty", "beam"),
    "max_length": ("most tokens of a sentence, its end included", ""),
    "unknown": ("whether the unknown word may be written", ""),
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
        help, owner = _DECODING[field.name]
        # None: what is not given is the decoder's to choose
        define[type(default)](field.name, None, f"{owner and f'{owner}: '}{help} (default {default})", flag_values=values)


def decoding_from_flags(values: flags.FlagValues, method: str) -> dict[str, Any]:
    """Returns the fields of `Decoding` that are given, of which those that the method does not read may not be.

    Raises:
      UserError: a flag means nothing for the method.
    """
    method = values.method or method
    for name, (_, owner) in _DECODING.items():
        if owner and values[name].present and method in METHODS and owner != method:
            raise UserError(f"--{name} means nothing for --method={method}: leave it out, or use --method={owner}")
    return {name: values[name].value for name in _DECODING if values[name].value is not None}


def run_from_flags(values: flags.FlagValues, more: Mapping[str, Any] | None = None) -> Run:
    """Returns the run that --run names, or, with --smoke alone, one of a tiny model that it trains, with `more` settings by their path.

    Raises:
      UserError: no run is named.
    """
    from tfvae.registry import resolve
    from tfvae.training.fit import fit

    if values.smoke and not values.run:
        return fit(resolve("dem_vae", "demo", base={**SMOKE, **(more or {})}), smoke_directory(), say=lambda message: None)[1]
    if not values.run:
        raise UserError("--run is missing: name the directory of a trained model")
    return find(values.run)


def model_from_flags(values: flags.FlagValues, more: Mapping[str, Any] | None = None) -> tuple[Model, Run]:
    """Returns the trained model and its run; `more` are settings of the tiny model that --smoke trains.

    Raises:
      UserError: no run is named, or it holds no model.
    """
    from tfvae.training.fit import load

    run = run_from_flags(values, more)
    return load(str(run.path)), run


def define_text_flags(values: flags.FlagValues) -> None:
    """Defines --text and --input."""
    flags.DEFINE_multi_string("text", [], "A text; may be given several times.", flag_values=values)
    flags.DEFINE_string("input", "", "File of texts: one a line, plain or .gz, or a table, .csv, .jsonl or .parquet.", flag_values=values)
    define_text_column_flag(values)


def define_text_column_flag(values: flags.FlagValues) -> None:
    """Defines --text_column."""
    help = "Column of the texts in a table; by default the one called text, or the only one."
    flags.DEFINE_string("text_column", "", help, flag_values=values)


def items_from_flags(values: flags.FlagValues, run: Run, modality: Modality, num: int) -> Any:
    """Returns the texts of --text, or the items of the file --input, or the first `num` test items of the run's corpus.

    Raises:
      UserError: both are given, or the file cannot be read.
    """
    if values.text and values.input:
        raise UserError("--text and --input are two sources of texts: give one")
    if values.text:
        return modality.of_texts(values.text)
    if values.input:
        return modality.read_file(values.input, values.text_column)
    return items_of_test_split(run)[:num]


def items_of_test_split(run: Run) -> Any:
    """Returns the items of the test split of a run's corpus."""
    from tfvae.data import corpora

    return corpora.read(run.config().data).test.items


def check_output(values: flags.FlagValues, modality: Modality) -> None:
    """Raises UserError where --output is given and its name does not end as files of such items do."""
    if values.output and pathlib.Path(values.output).suffix != modality.suffix:
        raise UserError(f"--output={values.output}: a name that ends in {modality.suffix} is wanted")


def print_items(
    values: flags.FlagValues, run: Run, modality: Modality, name: str, lines: Iterable[str], grid: Callable[[], tuple[np.ndarray, int]]
) -> None:
    """Prints lines, or, where items are no lines, writes them into --output, by default a file in the run's directory.

    Args:
      values: parsed flags, of which --output is read.
      run: whose directory it is.
      modality: what the items are.
      name: of the file in the run's directory.
      lines: what is printed of texts.
      grid: makes the items that the file shows where they are no texts, and says how many are beside each other.
    """
    if modality.printable and not values.output:
        for line in lines:
            print(line)
        return
    path = pathlib.Path(values.output or run.path / f"{name}{modality.suffix}")
    items, columns = (list(lines), 1) if modality.printable else grid()
    modality.save_items(path, items, columns)
    print(f"{modality.name[0].upper()}{modality.name[1:]} are in {path}")


def define_output_flag(values: flags.FlagValues) -> None:
    """Defines --output."""
    flags.DEFINE_string("output", "", "File to write in place of printing, texts as .txt, images as .png.", flag_values=values)


def define_stop_words_flag(values: flags.FlagValues) -> None:
    """Defines --stop_words."""
    help = "Words that are not shown as telling: english, none, or a file of words, one a line; by default english, but for codes of form."
    flags.DEFINE_string("stop_words", "", help, flag_values=values)
