"""A page of results, made of run directories alone, and the small files of a run that reproduce its part of the page."""

import dataclasses
import functools
import math
import os
import pathlib
import shlex
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.config import Config
from tfvae.errors import UserError
from tfvae.evaluation.compare import Row, markdown, rows, shared_changes
from tfvae.evaluation.evaluate import evaluation_file, figures_of, read_evaluation, split_evaluation
from tfvae.evaluation.published import COUNTERPARTS, PUBLISHED, Published
from tfvae.evaluation.table import label_tables, number
from tfvae.latents.spherical import kl_to_uniform
from tfvae.models.registry import MODELS
from tfvae.reports.sweep import draw, sweep_table, swept_field
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
      changes: what tells it from other runs of its model, "path=value" each.
    """

    run: Run
    config: Config
    evaluation: Mapping[str, Any]
    changes: Sequence[str] = ()

    def value(self, name: str) -> Any:
        """Returns a figure's value; None where there is none."""
        return next((figure.value for figure in figures_of(self.evaluation) if figure.name == name), None)

    @property
    def title(self) -> str:
        """The model, what tells it from others, and its seed."""
        return f"`{' '.join([self.config.model, *self.changes])}`, seed {self.config.training.seed}"

    def selected_epoch(self) -> Mapping[str, Any]:
        """The line of metrics.jsonl of the epoch that was selected.

        Raises:
          UserError: there is none.
        """
        by = "val_loss" if self.config.training.select == "objective" else "val_elbo"
        sign = 1 if by == "val_loss" else -1
        lines = [line for line in self.run.read_metrics() if by in line]
        if not lines:
            raise UserError(f"{self.run.metrics_file}: has no epoch; name a run that was trained")
        return min(lines, key=lambda line: sign * line[by])

    @property
    def sentences(self) -> list[str]:
        """The first sentences drawn from the prior."""
        file = self.run.path / "samples.txt"
        return file.read_text().splitlines()[:SENTENCES] if file.exists() else []


def keep(run: str, folder: str, split: str = "test", group: str = "") -> pathlib.Path:
    """Copies what a page needs of a run: configuration, metrics of its epochs, evaluation and a few sentences.

    Args:
      run: an evaluated run directory.
      folder: becomes the home of a folder <group>/<name of the run directory>.
      split: that must have been evaluated.
      group: the section of the page that the run belongs to; "" for that of its corpus.

    Returns:
      that folder.

    Raises:
      UserError: there is no run, it was not evaluated, or was trained since; the folder has another configuration's of that name; or the
        group is no plain name.
    """
    if group != pathlib.PurePath(group).name:
        raise UserError(f"--group={group}: is the name of one folder, not a path")
    source = Run(os.path.abspath(run))
    config = source.config()
    splits = read_evaluation(source) or [split]
    for name in splits:
        split_evaluation(source, name)
    target = Run(pathlib.Path(folder) / (group or config.data.name) / source.path.name)
    if target.config_file.exists() and target.config() != config:
        raise UserError(f"--runs={run}: {target.path} holds another configuration's run: name the run directory otherwise")
    target.path.mkdir(parents=True, exist_ok=True)
    Result(source, config, {}).selected_epoch()  # there must be one
    for file in (source.config_file, source.metrics_file, evaluation_file(source)):
        shutil.copyfile(file, target.path / file.name)
    write_text(target.path / "samples.txt", "".join(f"{text}\n" for text in Result(source, config, {}).sentences))
    return target.path


def command_line(config: Config) -> str:
    """Returns the command that trains a configuration."""
    changed = [f"--config.{change}" for change in _changes(config)]
    words = ["--model=" + config.model, "--data=" + config.data.name, *changed, f"--seed={config.training.seed}"]
    return " ".join(["python scripts/train.py", *map(shlex.quote, words)])


def _changes(config: Config) -> list[str]:
    return [f"{path}={value}" for path, value in changed_fields(config, usual(config)).items()]


def page(runs: Sequence[str], split: str = "test", images: pathlib.Path | None = None) -> str:
    """Returns the page in Markdown: a section for each folder that has some of the runs.

    Runs of a folder that differ in one number alone are a sweep: their figures are set against that number.

    Args:
      runs: run directories, or what was kept of them.
      split: of which the figures are.
      images: where the pictures of sweeps are written, beside the page; None for no pictures.

    Raises:
      UserError: a directory is no run, or was not evaluated on the split; or a folder has runs of two corpora.
    """
    results: dict[str, list[Result]] = {}
    for path in _in_order(runs):
        run = Run(path)
        config = run.config()
        results.setdefault(run.path.parent.name, []).append(Result(run, config, split_evaluation(run, split)))
    parts = [_HEAD.format(split=split)]
    for group, members in results.items():
        corpus = members[0].config.data.name
        table = rows([str(member.run.path) for member in members], split)
        if field := swept_field([member.config for member in members]):
            parts += _sweep(group, members, table, field, images)
            continue
        shared = shared_changes(table)
        members = [
            dataclasses.replace(member, changes=[change for change in _changes(member.config) if change not in shared])
            for member in members
        ]
        parts.append(f"## {_TITLES.get(corpus, corpus)}\n")
        parts.append(_setting(members))
        parts.append(markdown(table, corpus if split == "test" else ""))
        parts += [_claims(members)] if corpus == "ptb" else []
        parts += [_against_baselines(members), _agreement(members), _use(members), _sentences(members), _commands(members)]
    return "\n".join(part for part in parts if part)


def _in_order(runs: Sequence[str]) -> list[str]:
    """The runs with their models in the registry's order; others stay in theirs."""
    return sorted(runs, key=lambda path: list(MODELS).index(Run(path).config().model))


def _sweep(group: str, members: Sequence[Result], table: Sequence[Row], field: str, images: pathlib.Path | None) -> list[str]:
    """The section of runs that differ in one number alone."""
    corpus, name = members[0].config.data.name, field.rpartition(".")[2]
    parts = [f"## {_TITLES.get(corpus, corpus)}: {name} of `{members[0].config.model}`\n", _setting(members), sweep_table(table, field)]
    if images and draw(table, field, images / f"results-{group}.svg"):
        parts.append(f"![figures of {members[0].config.model} against {name}]({images.name}/results-{group}.svg)\n")
    return [*parts, _commands(members)]


_HEAD = """# Results

Written by `scripts/results.py` from the run directories under `docs/runs`; nothing here is typed in by hand. Figures are of the
{split} split, each sentence whole, at w = 1. NLL is the importance-weighted estimate, -ELBO the bound; both and their parts are nats a
sentence. KL(z) of the mixtures includes the dispersion. Variance is that of the components' natural parameters under q(c|x). MI(x;c) is the
mean over variables of the mutual information of the whole split, MI(x;z) is estimated with 10,000 of its posteriors at most. BLEU is that
of greedy reconstructions. A figure after ± is the deviation over seeds, or of one run the standard error of its estimate. Reverse
perplexity is that of this project's own small language model, trained on what a model generates: hold it against the row of real text and
against other rows, not against the papers', whose language model is another (AWD-LSTM). Every estimator, with its settings and standard
error, is in the runs' `evaluation.json`. Rows of papers are as printed there, of other networks, data preparation and estimators: read
patterns across rows, not differences between ours and theirs.
"""
_AGREEMENT = """### Agreement of codes with labels

AMI is adjusted mutual information: 0 for random codes, however many. Homogeneity grows with the number of codes: (shuffled) is what as many
random ones get. Below the model's codes is what one would try first, with as many clusters, fitted to texts of the training split.
"""


def _setting(members: Sequence[Result]) -> str:
    """What the runs share, and what their evaluations do, in words."""
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
    least = min(member.selected_epoch()["w"] for member in members)
    settings = [member.evaluation["metrics"].get("likelihood", {}).get("settings", {}) for member in members]
    evaluated = ", ".join(
        f"{name} {settings[0][name]:,}"
        for name in ("samples", "sentences", "seed")
        if name in settings[0] and all(other.get(name) == settings[0][name] for other in settings)
    )
    estimated = f" NLL is estimated with: {evaluated}." if evaluated else ""
    return (
        f"{len(members)} runs; shared by all: {said}. The KL's weight w was {least:.3f} or more in every epoch that was kept.{estimated}\n"
    )


def _claims(members: Sequence[Result]) -> str:
    """What the papers say will happen, held against the figures of every run of a model."""
    by_model: dict[str, list[Result]] = {}
    for member in members:
        by_model.setdefault(member.config.model, []).append(member)
    lines = []

    def figures(model: str, name: str) -> list[Any]:
        """A figure of every run of a model; none where one of them has it not."""
        values = [member.value(name) for member in by_model[model]]
        return [] if any(value is None for value in values) else values

    def claim(text: str, needed: Sequence[Sequence[Any]], judge: Callable[[], tuple[bool, str]]) -> None:
        if not all(needed):
            lines.append(f"- not measured: {text}")
            return
        holds, measured = judge()
        lines.append(f"- {'holds' if holds else '**does not hold**'}: {text} ({measured})")

    if {"gm_vae", "dem_vae"} <= by_model.keys():
        plain, dispersed = (figures(model, "mutual_information_c") for model in ("gm_vae", "dem_vae"))
        merge = "the components of `gm_vae` merge: no variable has an MI(x;c) of .05 nats"
        claim(merge, [plain], lambda: (np.max(plain) < 0.05, f"largest {np.max(plain):.4f}"))
        stay = "those of `dem_vae` do not: every variable has .2 nats or more"
        claim(stay, [dispersed], lambda: (np.min(dispersed) >= 0.2, f"smallest {np.min(dispersed):.3f}"))
        low, high = (figures(model, "natural_variance") for model in ("gm_vae", "dem_vae"))
        wide = "their variance is 100 times that of `gm_vae` or more"
        claim(wide, [low, high], lambda: (min(high) >= 100 * max(low), f"{number(min(high))} against {max(low):.2g}"))
        for name, sign in (("bleu", 1), ("reconstruction", -1)):
            worse, better = figures("gm_vae", name), figures("dem_vae", name)
            claim(f"`dem_vae` reconstructs better than `gm_vae`: {name}", [worse, better], functools.partial(_better, better, worse, sign))
    if "vmf_vae" in by_model:
        found = figures("vmf_vae", "kl_z")
        constants = [kl_to_uniform(member.config.latent.dim, member.config.latent.kappa) for member in by_model["vmf_vae"]]
        claim(
            "the KL of `vmf_vae` is the constant of its dimension and kappa",
            [found],
            lambda: (
                all(abs(kl - constant) < 1e-3 for kl, constant in zip(found, constants, strict=True)),
                f"{found[0]:.5f}, constant {constants[0]:.5f}",
            ),
        )
    [printed] = [row.values["word_kl_greedy"] for row in PUBLISHED["ptb"] if row.model == "test set"]
    real = [value for member in members if (value := member.value("word_kl_real")) is not None]
    same = "the word-level KL of the test split's own sentences is what Shi et al. print"
    claim(same, [real], lambda: (abs(real[0] - printed) < 0.005, f"{real[0]:.3f}, printed {printed:.2f}"))
    return "### What the papers lead one to expect\n\n" + "\n".join(lines) + "\n" if lines else ""


def _better(ours: Sequence[float], theirs: Sequence[float], sign: int) -> tuple[bool, str]:
    """Whether every one of our figures is above (sign 1) or below (sign -1) every one of theirs, and what they are."""
    holds = min(sign * value for value in ours) > max(sign * value for value in theirs)
    return holds, f"{number(statistics.fmean(ours))} against {number(statistics.fmean(theirs))}"


def _agreement(members: Sequence[Result]) -> str:
    """Agreement with labels, run by run, where there are any."""
    parts = []
    for member in members:
        tables = label_tables(figures_of(member.evaluation))
        if tables:
            parts.append(f"{member.title}:\n\n```\n" + "\n".join(tables).strip() + "\n```\n")
    if not parts:
        return ""
    return _AGREEMENT + "\n" + "\n".join(parts)


_SUMMARY = {
    "nll_iw": "NLL",
    "kl_z": "KL(z)",
    "kl_c": "KL(c)",
    "mutual_information_c_mean": "MI(x;c)",
    "bleu": "BLEU",
    "word_kl_greedy": "word KL",
}
_MARKS = ("<!-- results -->\n", "<!-- /results -->\n")


def summary(runs: Sequence[str], split: str = "test") -> str:
    """Returns a small Markdown table of runs of one corpus: our figures / the papers' of the nearest model; "-" where there is none."""
    table = rows(_in_order(runs), split)
    published = {row.model: row for row in PUBLISHED.get(table[0].config.data.name, ())}
    lines = [["`--model`", *_SUMMARY.values()], ["---", *["---:"] * len(_SUMMARY)]]
    for row in table:
        theirs = published.get(COUNTERPARTS.get(row.config.model, ""))
        cells = [f"{row.cell(name).partition(' ± ')[0] or '-'} / {_printed(theirs, name)}" for name in _SUMMARY]
        lines.append([f"`{row.config.model}`", *("" if cell == "- / -" else cell for cell in cells)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _printed(row: Published | None, name: str) -> str:
    return f"{row.values[name]:g}" if row and name in row.values else "-"


def put_summary(text: str, table: str) -> str:
    """Returns a document with the table between its marks.

    Raises:
      UserError: it has no marks.
    """
    before, start, rest = text.partition(_MARKS[0])
    _, end, after = rest.partition(_MARKS[1])
    if not (start and end):
        raise UserError(f"--summary: no lines {' and '.join(mark.strip() for mark in _MARKS)} to put the table between")
    return f"{before}{start}\n{table}\n{end}{after}"


_USE = """### What each variable tells, and the components it uses

I(x; c_j) in nats, and exp(H(q(c_j))), q(c_j) the mean of q(c_j|x) over the split.
"""


def _use(members: Sequence[Result]) -> str:
    """What the code of each variable tells and how many components it uses."""
    lines = []
    for member in members:
        components = member.config.latent.components
        told = {
            f"I(x; c_j), of at most {math.log(components):.2f}": member.value("mutual_information_c"),
            f"components in use, of {components}": member.value("active_components"),
        }
        for name, values in told.items():
            if isinstance(values, list):
                lines.append(f"- {member.title}: {name}: {' '.join(f'{value:.2f}' for value in values)}")
    return f"{_USE}\n" + "\n".join(lines) + "\n" if lines else ""


def _against_baselines(members: Sequence[Result]) -> str:
    """Where codes agree better with labels than clusters of the texts do, and where not; which run comes closest."""
    lines = []
    labels = dict.fromkeys(
        str(figure.settings["label"]) for member in members for figure in figures_of(member.evaluation) if "codes" in figure.settings
    )
    for label in labels:
        judged = [(verdict, member) for member in members if (verdict := _verdict(member, label))]
        lines += [f"- {label}, {member.title}: {verdict.text}" for verdict, member in judged]
        if len(judged) > 1:
            verdict, member = max(judged, key=lambda pair: pair[0].lead)
            which = "is furthest ahead of" if verdict.lead > 0 else "comes closest to"
            lines.append(f"- {label}: of these runs {member.title} {which} what the texts' own clusters reach.")
    return "### Codes against clusters of the texts\n\n" + "\n".join(lines) + "\n" if lines else ""


@dataclasses.dataclass(frozen=True)
class _Verdict:
    """How a run's codes fare, in words, and by how much adjusted mutual information they lead (or trail, below 0)."""

    text: str
    lead: float


def _verdict(member: Result, label: str) -> _Verdict | None:
    """Holds the clustering of the run that agrees most with a label against the baseline that does; None without codes."""
    found = {
        str(figure.settings["codes"]): (figure.value, int(figure.settings["clusters"]))
        for figure in figures_of(member.evaluation)
        if figure.name == "adjusted_mutual_information" and figure.settings.get("label") == label
    }
    baselines = {name: value for name, value in found.items() if " of " in name}
    own = {name: value for name, value in found.items() if name not in baselines}
    if not own or not baselines:
        return None
    best, other = (max(some, key=lambda name, some=some: some[name][0]) for some in (own, baselines))  # type: ignore[misc]
    lead = own[best][0] - baselines[other][0]
    said = "wins against" if lead > 0 else "loses to"
    code = "the joint code" if best == "joint" else f"the code of {best}"
    return _Verdict(f"{code} ({own[best][1]} values), AMI {own[best][0]:.3f}, {said} {other} clusters, {baselines[other][0]:.3f}", lead)


def _sentences(members: Sequence[Result]) -> str:
    """Sentences drawn from each prior."""
    parts = [f"{member.title}:\n\n```\n" + "\n".join(member.sentences) + "\n```\n" for member in members if member.sentences]
    return f"### The first {SENTENCES} sentences of each prior, words sampled\n\n" + "\n".join(parts) if parts else ""


def _commands(members: Sequence[Result]) -> str:
    lines = [command_line(member.config) for member in members]
    revisions = sorted({member.run.versions().get("git", "") for member in members} - {""})
    return (
        "### Commands\n\n```bash\n" + "\n".join(lines) + "\n```\n\nEach was followed by `scripts/evaluate.py --run=…`. Trained at "
        f"revision {', '.join(revisions) or 'unknown'}.\n"
    )
