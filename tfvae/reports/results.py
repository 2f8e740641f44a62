"""A page of results, made of run directories alone, and the small files of a run that reproduce its part of the page."""

import dataclasses
import os
import pathlib
import shlex
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.config import Config
from tfvae.errors import UserError
from tfvae.evaluation.compare import markdown, rows
from tfvae.evaluation.evaluate import evaluation_file, figures_of, split_evaluation
from tfvae.evaluation.table import label_tables, number
from tfvae.latents.spherical import kl_to_uniform
from tfvae.training.fit import usual
from tfvae.training.run import Run, changed_fields, write_text

SENTENCES = 10
"""Sentences of each model on the page."""
_TITLES = {"ptb": "Penn Treebank", "daily_dialog": "DailyDialog", "smd": "Stanford multi-domain dialogues", "yahoo": "Yahoo Answers"}


@dataclasses.dataclass(frozen=True)
class Result:
    """One evaluated run.

    Attributes:
      run: its directory.
      config: its configuration.
      evaluation: of the split that the page is about.
    """

    run: Run
    config: Config
    evaluation: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """Returns a figure's value, NaN where there is none."""
        return next((figure.value for figure in figures_of(self.evaluation) if figure.name == name), np.nan)

    @property
    def sentences(self) -> list[str]:
        """The first sentences drawn from the prior."""
        file = self.run.path / "samples.txt"
        return file.read_text().splitlines()[:SENTENCES] if file.exists() else []


def keep(run: str, folder: str) -> pathlib.Path:
    """Copies what a page needs of a run: configuration, metrics of its epochs, evaluation and a few sentences.

    Args:
      run: an evaluated run directory.
      folder: becomes the home of a folder <corpus>/<name of the run directory>.

    Returns:
      that folder.

    Raises:
      UserError: there is no run, or it was not evaluated.
    """
    source = Run(os.path.abspath(run))
    config = source.config()
    if not evaluation_file(source).exists():
        raise UserError(f"--run={run}: was not evaluated; do that first: scripts/evaluate.py --run={run}")
    target = pathlib.Path(folder) / config.data.name / source.path.name
    target.mkdir(parents=True, exist_ok=True)
    for file in (source.config_file, source.metrics_file, evaluation_file(source)):
        shutil.copyfile(file, target / file.name)
    write_text(target / "samples.txt", "".join(f"{text}\n" for text in Result(source, config, {}).sentences))
    return target


def command_line(config: Config) -> str:
    """Returns the command that trains a configuration."""
    changed = [f"--config.{path}={value}" for path, value in changed_fields(config, usual(config)).items()]
    words = ["--model=" + config.model, "--data=" + config.data.name, *changed, f"--seed={config.training.seed}"]
    return " ".join(["python scripts/train.py", *map(shlex.quote, words)])


def page(runs: Sequence[str], split: str = "test") -> str:
    """Returns the page in Markdown.

    Raises:
      UserError: a directory is no run, or was not evaluated on the split.
    """
    results: dict[str, list[Result]] = {}
    for path in runs:
        run = Run(path)
        config = run.config()
        results.setdefault(config.data.name, []).append(Result(run, config, split_evaluation(run, split)))
    parts = [_HEAD.format(split=split)]
    for corpus, members in results.items():
        parts.append(f"## {_TITLES.get(corpus, corpus)}\n")
        parts.append(_setting(members))
        parts.append(markdown(rows([str(member.run.path) for member in members], split), corpus))
        parts += [_claims(members)] if corpus == "ptb" else []
        parts += [_agreement(members), _use(members), _sentences(members), _commands(members)]
    return "\n".join(part for part in parts if part)


_HEAD = """# Results

Written by `scripts/results.py` from the run directories under `docs/runs`; nothing here is typed in by hand. Figures are of the
{split} split, each sentence whole, at w = 1. NLL is the importance-weighted estimate, -ELBO the bound; both and their parts are nats a
sentence. KL(z) of the mixtures includes the dispersion. Variance is that of the components' natural parameters under q(c|x). MI(x;c) is the
mean over variables of the mutual information of the whole split, MI(x;z) is estimated with all of the split's posteriors. BLEU is that of
greedy reconstructions. Every estimator, with its settings and standard error, is in the runs' `evaluation.json`. Rows of papers are as
printed there, of other networks, data preparation and estimators: read patterns across rows, not differences between ours and theirs.
"""
_AGREEMENT = """### Agreement of codes with labels

AMI is adjusted mutual information: 0 for random codes, however many. Homogeneity grows with the number of codes: (shuffled) is what as many
random ones get. Below the model's codes is what one would try first, with as many clusters, fitted to texts of the training split.
"""


def _setting(members: Sequence[Result]) -> str:
    """What the runs share, in words."""
    flat = [member.config.flat() for member in members]
    shared = {path: value for path, value in flat[0].items() if all(other[path] == value for other in flat)}
    named = {
        "decoder.hidden_dim": "units of the decoder's GRU",
        "decoder.embedding_dim": "size of its embeddings",
        "training.epochs": "epochs",
        "training.learning_rate": "learning rate",
        "data.batch_size": "sentences a batch",
        "objective.samples": "posterior sample(s) a sentence in training",
        "training.precision": "products",
        "training.seed": "seed",
    }
    said = ", ".join(f"{meaning} {shared[path]}" for path, meaning in named.items() if path in shared)
    least = min(line["w"] for member in members for line in member.run.read_metrics()[-1:])
    return f"{len(members)} runs; shared by all: {said}. The KL's weight w was {least:.3f} or more at the end.\n"


def _claims(members: Sequence[Result]) -> str:
    """What the papers say will happen, held against the figures."""
    by_model = {member.config.model: member for member in members}
    lines = []

    def claim(text: str, holds: bool, measured: str) -> None:
        lines.append(f"- {'holds' if holds else '**does not hold**'}: {text} ({measured})")

    if {"gm_vae", "dem_vae"} <= by_model.keys():
        plain, dispersed = by_model["gm_vae"], by_model["dem_vae"]
        most, least = np.max(plain.value("mutual_information_c")), np.min(dispersed.value("mutual_information_c"))
        variance = {model: by_model[model].value("natural_variance") for model in ("gm_vae", "dem_vae")}
        claim("the components of `gm_vae` merge: no variable has an MI(x;c) of .05 nats", most < 0.05, f"largest {most:.4f}")
        claim("those of `dem_vae` do not: every variable has .2 nats or more", least >= 0.2, f"smallest {least:.3f}")
        times = variance["dem_vae"] / variance["gm_vae"]
        measured = f"{number(variance['dem_vae'])} against {variance['gm_vae']:.2g}, {times:,.0f} times"
        claim("their variance is 100 times that of `gm_vae` or more", times >= 100, measured)
        better = all(dispersed.value(name) * sign > plain.value(name) * sign for name, sign in (("bleu", 1), ("reconstruction", -1)))
        measured = ", ".join(
            f"{name} {number(dispersed.value(name))} against {number(plain.value(name))}" for name in ("bleu", "reconstruction")
        )
        claim("`dem_vae` reconstructs better than `gm_vae`", better, measured)
    if "vmf_vae" in by_model:
        latent, kl = by_model["vmf_vae"].config.latent, by_model["vmf_vae"].value("kl")
        constant = kl_to_uniform(latent.dim, latent.kappa)
        claim(
            "the KL of `vmf_vae` is the constant of its dimension and kappa",
            abs(kl - constant) < 1e-3,
            f"{kl:.5f}, constant {constant:.5f}",
        )
    return "### What the papers lead one to expect\n\n" + "\n".join(lines) + "\n" if lines else ""


def _agreement(members: Sequence[Result]) -> str:
    """Agreement with labels, run by run, where there are any."""
    parts = []
    for member in members:
        tables = label_tables(figures_of(member.evaluation))
        if tables:
            parts.append(f"`{member.config.model}`:\n\n```\n" + "\n".join(tables).strip() + "\n```\n")
    if not parts:
        return ""
    return _AGREEMENT + "\n" + "\n".join(parts)


def _use(members: Sequence[Result]) -> str:
    """How many components each variable uses."""
    lines = []
    for member in members:
        effective = member.value("active_components")
        if isinstance(effective, list):
            listed = " ".join(f"{value:.2f}" for value in effective)
            lines.append(f"- `{member.config.model}`, of {member.config.latent.components}: {listed}")
    if not lines:
        return ""
    return (
        "### Components in use\n\nexp(H(q(c_j))) of each variable, q(c_j) the mean of q(c_j|x) over the split.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def _sentences(members: Sequence[Result]) -> str:
    """Sentences drawn from each prior."""
    parts = [f"`{member.config.model}`:\n\n```\n" + "\n".join(member.sentences) + "\n```\n" for member in members if member.sentences]
    return f"### The first {SENTENCES} sentences of each prior, words sampled\n\n" + "\n".join(parts) if parts else ""


def _commands(members: Sequence[Result]) -> str:
    lines = [command_line(member.config) for member in members]
    revisions = sorted({member.run.versions().get("git", "") for member in members} - {""})
    return (
        "### Commands\n\n```bash\n" + "\n".join(lines) + "\n```\n\nEach was followed by `scripts/evaluate.py --run=…`. Trained at "
        f"revision {', '.join(revisions) or 'unknown'}.\n"
    )
