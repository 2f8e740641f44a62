"""tfvae-predict: the classes that a model says of texts, or of other items."""

import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import define_model_flags, define_text_flags, items_from_flags, model_from_flags
from tfvae.errors import UserError

SUMMARY = "Predicts the labels that a model was taught (--config.objective.labels), a line an item."
_NUM = 5
_SMOKE = {"objective.labels": "topic:0,act:1", "latent.components": 5}


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _predict)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    define_text_flags(values)
    flags.DEFINE_list("label", [], "Labels to predict (default all that the model was taught).", flag_values=values)
    formats = "text: each class with its probability, and the item, with tabs between; jsonl: an object a line, with all classes."
    flags.DEFINE_enum("format", "text", ["text", "jsonl"], formats, flag_values=values)
    flags.DEFINE_string("output", "", "File to write in place of printing, FILE.txt or FILE.jsonl.", flag_values=values)


def _predict(values: flags.FlagValues) -> None:
    from tfvae.data.files import write_text

    path = pathlib.Path(values.output)
    if values.output and path.suffix not in (".txt", ".jsonl"):
        raise UserError(f"--output={values.output}: a name that ends in .txt or .jsonl is wanted")
    model, run = model_from_flags(values, _SMOKE)
    items = items_from_flags(values, run, model.modality, _NUM)
    answers = {label: model.predict(items, label) for label in values.label or model.labels or [""]}
    captions = model.modality.captions(items)
    lines = list(_lines(captions, answers, path.suffix == ".jsonl" or values.format == "jsonl"))
    if not values.output:
        for line in lines:
            print(line)
        return
    write_text(path, "".join(f"{line}\n" for line in lines))
    print(f"{len(lines):,} predictions are in {path}")


def _lines(captions: Sequence[str], answers: Mapping[str, Mapping[str, Any]], as_json: bool) -> Iterator[str]:
    for row, caption in enumerate(captions):
        said = {label: answer["predicted"][row] for label, answer in answers.items()}
        shares = {label: answer["probabilities"][row] for label, answer in answers.items()}
        if not as_json:
            yield "\t".join([*(f"{said[label]} {np.max(shares[label]):.3f}" for label in answers), caption])
            continue
        named = {
            label: dict(zip(answers[label]["classes"].tolist(), np.round(shares[label].tolist(), 6), strict=True)) for label in answers
        }
        labels = {label: {"predicted": str(said[label]), "probabilities": named[label]} for label in answers}
        yield json.dumps({"text": caption, "labels": labels}, ensure_ascii=False)


if __name__ == "__main__":
    main()
