"""What TensorBoard shows beside scalars and texts: hyper-parameters, and the latent space in its projector."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from tensorboard.plugins.hparams import api as hparams

from tfvae.config import Config
from tfvae.data.corpus import Split
from tfvae.data.escapes import visible
from tfvae.data.files import write_text
from tfvae.registry import reason_unused

_SHOWN = (
    "data.name",
    "data.batch_size",
    "encoder.hidden_dim",
    "decoder.hidden_dim",
    "decoder.word_dropout",
    "latent.variables",
    "latent.components",
    "latent.dim",
    "latent.kappa",
    "objective.beta",
    "objective.mi_weight",
    "objective.kl_weight",
    "objective.samples",
    "training.learning_rate",
    "training.seed",
)
_CONFIG = "projector_config.pbtxt"


def write_hparams(config: Config) -> None:
    """Writes the settings that runs are compared by, of those that mean something for the model, to the default writer."""
    flat = config.flat()
    hparams.hparams({"model": config.model, **{path: flat[path] for path in _SHOWN if not reason_unused(config, path)}})


def write_projector(
    folder: pathlib.Path,
    mean: np.ndarray,
    codes: np.ndarray | None,
    captions: Mapping[str, Sequence[str]],
    items: Split,
    label_names: Mapping[str, Sequence[str]],
) -> None:
    r"""Writes examples for TensorBoard's projector, over those of the epoch before.

    Control characters of captions and labels are written out, a tab as \u0009: each row is a line, each cell between its tabs.

    Args:
      folder: of the run's TensorBoard files.
      mean: E[z|x] of each example, [N, size].
      codes: [N, J]; None where there are none.
      captions: a line an example, under the name of what it is.
      items: the examples and their labels.
      label_names: for each label the names of its classes.
    """
    columns: dict[str, Sequence[str]] = dict(captions)
    for label, classes in items.labels.items():
        names = label_names.get(label, ())
        columns[label] = [names[value] if value < len(names) else str(value) for value in classes]
    for variable in range(0 if codes is None else codes.shape[1]):
        columns[f"code {variable}"] = list(map(str, codes[:, variable]))  # type: ignore[index]
    # a single column has no heading, as the projector wants it
    head = [columns] if len(columns) > 1 else []
    rows = [*head, *zip(*columns.values(), strict=True)]
    lines = ["\t".join(visible(cell, keep="") for cell in row) for row in rows]
    write_text(folder / f"{next(iter(captions))}s.tsv", "\n".join(lines) + "\n")
    write_text(folder / "posterior_means.tsv", "".join("\t".join(f"{value:.6g}" for value in row) + "\n" for row in mean))
    described = (
        'embeddings {\n  tensor_name: "posterior means"\n  tensor_path: "posterior_means.tsv"\n'
        f'  metadata_path: "{next(iter(captions))}s.tsv"\n}}\n'
    )
    write_text(folder / _CONFIG, described)
