"""The model card that lies beside an exported model."""

import json
from collections.abc import Mapping
from typing import Any

from tfvae.config import Config
from tfvae.data.sources import SOURCES
from tfvae.evaluation.evaluate import figures_of
from tfvae.evaluation.table import number
from tfvae.export.examples import examples
from tfvae.export.signatures import Settings, Signature
from tfvae.models.registry import MODELS

_FIGURES = ("nll_iw", "perplexity_iw", "reconstruction", "bleu", "mutual_information_c_mean", "active_units")
_TEXTS = ("the train was slow .", "is this soup really fresh ?")
_SUB_WORDS = (
    "Texts are split into sub-words by TensorFlow Text's operations: TensorFlow Serving has them, a plain TensorFlow runtime must load "
    "their library first (`tf.load_op_library`, `TF_LoadLibrary`), or does not load the model at all."
)
_WORDS = "Only TensorFlow's own operations are in the graph, look-up of words included: every runtime that loads SavedModels loads it."


def model_card(
    name: str,
    version: int,
    config: Config,
    signatures: Mapping[str, Signature],
    settings: Settings,
    evaluation: Mapping[str, Any],
    *,
    default: str,
) -> str:
    """Returns the card in Markdown.

    Args:
      name: the model is served under.
      version: of the export.
      config: of the run.
      signatures: of the export.
      settings: what was fixed.
      evaluation: what evaluation.json holds, by split; nothing where the run was not evaluated.
      default: the signature that serving_default is.
    """
    model = MODELS[config.model]
    parts = [
        f"# {name}, version {version}\n",
        f"`{config.model}` ({model.paper}): {model.summary}. {_latent(config)}\n",
        "## Data\n",
        f"Trained on {_data(config)}. Texts are cut to {config.data.eval_max_length} tokens. "
        f"{_WORDS if config.data.tokenizer == 'word' else _SUB_WORDS}\n",
        "## Figures\n",
        _figures(evaluation),
        "## Limits\n",
        "Words that training did not have are read as unknown and never written. Sentences are those of the training texts' kind: the "
        "model knows nothing of whether what it writes is true, and repeats what is offensive in its data. Codes are what the model "
        "found useful, and need not be anyone's categories.\n",
        "## Signatures\n",
        f"The first dimension of every input and output is the batch. `serving_default` is `{default}`. Sentences have "
        f"{settings.max_length} tokens at most. A row that cannot be answered has an empty answer and a message in `status`.\n",
    ]
    requests = examples(signatures, _TEXTS)
    for key, signature in signatures.items():
        shapes = ", ".join(f"`{spec.name}` {spec.dtype.name} {_shape(spec.shape)}" for spec in signature.inputs)
        outputs = ", ".join(f"`{output}` ({meaning})" for output, meaning in signature.outputs.items())
        body = json.dumps({"signature_name": key, "inputs": requests[key]}, ensure_ascii=False)
        parts.append(f"### {key}\n\n{signature.summary[0].upper()}{signature.summary[1:]}.\n\n- takes {shapes}\n- returns {outputs}\n")
        parts.append(f"```bash\ncurl http://localhost:8501/v1/models/{name}:predict -d {_quoted(body)}\n```\n")
    return "\n".join(parts)


def _latent(config: Config) -> str:
    latent = config.latent
    if latent.kind == "none":
        return "It has no latent variable."
    if latent.kind == "mixture":
        return f"{latent.variables} latent variables of {latent.dim} dimensions, each with a mixture of {latent.components} components."
    return f"A latent variable of {latent.dim} dimensions."


def _data(config: Config) -> str:
    data = config.data
    if data.name == "demo":
        return "`demo`, sentences that tfvae makes by a grammar (Apache License 2.0)"
    if data.name in SOURCES:
        return f"`{data.name}` ({SOURCES[data.name].licence})"
    return "texts of its maker, whose licence is not known here"


def _figures(evaluation: Mapping[str, Any]) -> str:
    if "test" not in evaluation:
        return "The run was not evaluated when it was exported: `scripts/evaluate.py --run=…` does that.\n"
    figures = {figure.name: figure for figure in figures_of(evaluation["test"])}
    chosen = [figures[name] for name in _FIGURES if name in figures]
    lines = [f"| {figure.name} | {number(figure.value)} | {figure.unit} | {figure.estimator} |" for figure in chosen]
    return "\n".join(["On the test split:\n", "| figure | value | unit | how |", "|---|---:|---|---|", *lines]) + "\n"


def _shape(shape: Any) -> str:
    return "[" + ", ".join("B" if size is None else str(size) for size in shape) + "]"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
