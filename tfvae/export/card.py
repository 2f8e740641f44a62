"""The model card that lies beside an exported model."""

import json
from collections.abc import Mapping
from typing import Any

from tfvae.config import Config
from tfvae.data.sources import SOURCES
from tfvae.evaluation.evaluate import figures_of
from tfvae.evaluation.table import number
from tfvae.export.examples import examples
from tfvae.export.settings import Settings
from tfvae.export.signatures import Signature
from tfvae.modalities.modality import Modality
from tfvae.models.model import Model
from tfvae.models.topics import Topics
from tfvae.registry import MODELS
from tfvae.registry.applicable import part_of

_FIGURES = ("nll_iw", "perplexity_iw", "bits_per_dimension_iw", "reconstruction", "bleu", "mutual_information_c_mean", "active_units")
_LONGEST = 2000  # characters of a request that the card shows; a longer one is a file beside it


def model_card(
    name: str,
    version: int,
    config: Config,
    signatures: Mapping[str, Signature],
    settings: Settings,
    evaluation: Mapping[str, Any],
    served: Model,
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
      served: the model itself.
      default: the signature that serving_default is.
    """
    model, modality, ordered = MODELS[config.model], served.modality, served.vae.decoder.ordered
    longest = served.decoding(**({"max_length": settings.max_length} if ordered else {})).max_length
    parts = [
        f"# {name}, version {version}\n",
        f"`{config.model}` ({model.paper}): {model.summary}. {part_of(config, 'latent').says(config.latent)}\n",
        "## Data\n",
        f"Trained on {_data(config, modality)}. {modality.reading(config.data)}\n",
        "## Figures\n",
        _figures(evaluation),
        "## Limits\n",
        f"{modality.limits} Codes are what the model found useful, and need not be anyone's categories.\n",
        *_topics(served.topics),
        "## Signatures\n",
        f"The first dimension of every input and output is the batch. `serving_default` is `{default}`. "
        f"{modality.written(longest, ordered=ordered)}A row that cannot be answered has an empty answer and a message in `status`.\n",
    ]
    requests = examples(signatures, modality.input_stand_ins()[:2])
    for key, signature in signatures.items():
        shapes = ", ".join(f"`{spec.name}` {spec.dtype.name} {_shape(spec.shape)}" for spec in signature.inputs)
        outputs = ", ".join(f"`{output}` ({meaning})" for output, meaning in signature.outputs.items())
        body = _quoted(request_body(key, requests[key]))
        if len(body) > _LONGEST:
            body = f"@{request_file(key)}"
        parts.append(f"### {key}\n\n{signature.summary[0].upper()}{signature.summary[1:]}.\n\n- takes {shapes}\n- returns {outputs}\n")
        parts.append(f"```bash\ncurl http://localhost:8501/v1/models/{name}:predict -d {body}\n```\n")
    return "\n".join(parts)


def _topics(topics: Topics) -> list[str]:
    """What a person has named and merged; nothing where there is nothing."""
    places = [(j, topic) for j in range(len(topics.into)) for topic in topics.numbers(j)]
    edited = [(*place, topics.name(*place), topics.members(*place)) for place in places]
    lines = [
        f"- {j}:{topic} {name or '(without a name)'}" + (f", components {', '.join(map(str, members))}" if len(members) > 1 else "")
        for j, topic, name, members in edited
        if name or len(members) > 1
    ]
    return (
        ["## Topics\n", "\n".join(["Codes are numbers of topics, of which a person has named or merged:\n", *lines]) + "\n"]
        if lines
        else []
    )


def request_body(key: str, inputs: Mapping[str, Any]) -> str:
    """Returns the JSON of a request of a signature."""
    return json.dumps({"signature_name": key, "inputs": inputs}, ensure_ascii=False)


def request_file(key: str) -> str:
    """Returns where beside the card the request of a signature is that is too long for it."""
    return f"requests/{key}.json"


def long_requests(requests: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Returns the JSON of requests that are too long for the card, by their files."""
    bodies = {request_file(key): request_body(key, inputs) for key, inputs in requests.items()}
    return {file: body for file, body in bodies.items() if len(_quoted(body)) > _LONGEST}


def _data(config: Config, modality: Modality) -> str:
    data = config.data
    if data.name == "demo":
        return "`demo`, sentences that tfvae makes by a grammar (Apache License 2.0)"
    if data.name in SOURCES:
        return f"`{data.name}` ({SOURCES[data.name].licence})"
    return f"{modality.name} of its maker, whose licence is not known here"


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
