"""A page of results, made of run directories alone, and the small files of a run that reproduce its part of the page."""

import dataclasses
import math
import os
import pathlib
import shlex
import shutil
from collections.abc import Sequence
from typing import Any

from tfvae.config import Config
from tfvae.data.files import write_text
from tfvae.data.json_files import to_json
from tfvae.errors import UserError, listed
from tfvae.evaluation.compare import Row, cells, changes, markdown, markdown_table, rows, shared_changes
from tfvae.evaluation.evaluate import evaluation_file, figures_of, read_evaluation, split_evaluation
from tfvae.evaluation.published import counterpart
from tfvae.evaluation.table import label_tables
from tfvae.registry import MODELS, reason_unused
from tfvae.reports.findings import against_baselines, claims
from tfvae.reports.predictions import lines_of
from tfvae.reports.result import SENTENCES, Result
from tfvae.reports.sweep import draw, sweep_table, swept_field
from tfvae.reports.tradeoff import Point, points_of, told
from tfvae.reports.tradeoff import draw as draw_tradeoff
from tfvae.training.run import Run

_TITLES = {
    "ptb": "Penn Treebank",
    "daily_dialog": "DailyDialog",
    "smd": "Stanford multi-domain dialogues",
    "yahoo": "Yahoo Answers",
    "20ng": "20 Newsgroups",
    "mnist": "MNIST",
    "omniglot": "Omniglot",
}


def _rounded(value: Any) -> Any:
    """Numbers that are not whole to six digits, in lists and dictionaries too: a long training has many."""
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def keep(run: str, folder: str, split: str = "test", group: str = "") -> pathlib.Path:
    """Copies what a page needs of a run: configuration, metrics of its epochs to six digits, evaluation and a few sentences.

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
    for file in (source.config_file, evaluation_file(source)):
        shutil.copyfile(file, target.path / file.name)
    write_text(target.metrics_file, "".join(to_json(_rounded(line)) + "\n" for line in source.read_metrics()))
    write_text(target.path / "samples.txt", "".join(f"{text}\n" for text in Result(source, config, {}).sentences))
    return target.path


def command_line(config: Config) -> str:
    """Returns the command that trains a configuration."""
    changed = [f"--config.{change}" for change in changes(config)]
    words = ["--model=" + config.model, "--data=" + config.data.name, *changed, f"--seed={config.training.seed}"]
    return " ".join(["python scripts/train.py", *map(shlex.quote, words)])


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
    found = [Result(run, run.config(), split_evaluation(run, split)) for run in map(Run, runs)]
    results: dict[str, list[Result]] = {}
    for result in sorted(found, key=lambda result: _place(result.config)):
        results.setdefault(result.run.path.parent.name, []).append(result)
    parts = [_HEAD.format(split=split)]
    for group, members in results.items():
        corpus = members[0].config.data.name
        table = rows([str(member.run.path) for member in members], split)
        shared = shared_changes(table)
        short = [
            dataclasses.replace(member, changes=[change for change in changes(member.config) if change not in shared]) for member in members
        ]
        if field := swept_field([member.config for member in members]):
            parts += [*_sweep(group, members, table, field, images), _predictions(short), _commands(members)]
            continue
        members = short
        parts.append(f"## {_TITLES.get(corpus, corpus)}{'' if group == corpus else f': {group}'}\n")
        parts.append(_setting(members))
        of_papers = corpus if split == "test" else ""
        parts += [markdown(table, of_papers)] if len(cells(table)[0]) > 1 else []
        parts += [claims(members)] if corpus == "ptb" else []
        parts += _tradeoff(group, of_papers, points_of(table, shared), images)
        parts += [against_baselines(members), _predictions(members), _agreement(members)]
        parts += [_use(members), _sentences(members), _commands(members)]
    return "\n".join(part for part in parts if part)


def _place(config: Config) -> int:
    """Where tables have a model: in the registry's order."""
    return list(MODELS).index(config.model)


def _sweep(group: str, members: Sequence[Result], table: Sequence[Row], field: str, images: pathlib.Path | None) -> list[str]:
    """The section of runs that differ in one number alone."""
    corpus, name = members[0].config.data.name, field.rpartition(".")[2]
    parts = [f"## {_TITLES.get(corpus, corpus)}: {name} of `{members[0].config.model}`\n", _setting(members)]
    parts += [sweep_table(table, field)] if len(cells(table)[0]) > 1 else []
    if images and draw(table, field, images / f"results-{group}.svg"):
        parts.append(f"![figures of {members[0].config.model} against {name}]({images.name}/results-{group}.svg)\n")
    return parts


def _tradeoff(group: str, corpus: str, points: Sequence[Point], images: pathlib.Path | None) -> list[str]:
    """What of a section says what likelihood is given up for."""
    parts = [told(points)]
    if images and draw_tradeoff(points, corpus, images / f"tradeoff-{group}.svg"):
        parts.append(f"![figures of these runs and of papers against their NLL]({images.name}/tradeoff-{group}.svg)\n")
    return parts


_HEAD = """# Results

Written by `scripts/results.py` from the run directories under `docs/runs`; nothing here is typed in by hand. Figures are of the {split}
split, each sentence whole, at w = 1. NLL is the importance-weighted estimate, -ELBO the bound, loss the training objective, which gives
back beta of the dispersion and adds the model's other terms; all and their parts are nats a sentence, or a document. KL(z) of the mixtures
includes the dispersion. Variance is that of the components' natural parameters under q(c|x). MI(x;c) is the mean over variables of the
mutual information of the whole split; MI(x;z) is estimated with 10,000 of its posteriors at most, and at most the logarithm of their
number, which its upper bound is not. BLEU is that of greedy reconstructions. A figure after ± is the deviation over seeds, or of one run
the standard error of its estimate. Reverse perplexity is that of this project's own small language model, trained on what a model
generates: hold it against the row of real text and against other rows, not against the papers', whose language model is another (AWD-LSTM).
Perplexity of bags of words is a word, ends having no place there. C_v, NPMI and diversity are of the most relevant words of components or
dimensions; of corpora that come without the order of words, they are counted in whole documents. Every estimator, with its settings and,
where one was estimated, its standard error, is in the runs' `evaluation.json`. Rows of papers are of other networks, data preparation and
estimators: read patterns across rows, not differences between ours and theirs. The NLLs of Shi et al. are upper bounds but for that of
RNN-LM, of sentences cut to 40 tokens; the perplexities of Xu and Durrett's vMF-VAE are those of the mean of three samples and were read in
a list of results, not in the paper itself.
"""
_AGREEMENT = """### Agreement of codes with labels

AMI is adjusted mutual information: 0 for random codes, however many. Homogeneity grows with the number of codes: (shuffled) is what as many
random ones get. Below the model's codes is what one would try first, with as many clusters as there are codes, components or classes,
fitted to texts of the training split. Rows of rules are what a line of code finds; the supervised row is a classifier that was taught the
label, a height to see codes against.
"""


def _setting(members: Sequence[Result]) -> str:
    """What the runs share, and what their evaluations do, in words."""
    flat = [member.config.flat() for member in members]
    shared = {path: value for path, value in flat[0].items() if all(other[path] == value for other in flat)}
    named = {
        "decoder.hidden_dim": "units of a layer of the decoder",
        "decoder.embedding_dim": "size of its embeddings",
        "training.epochs": "epochs",
        "training.learning_rate": "learning rate",
        "data.batch_size": "examples a batch",
        "objective.samples": "posterior sample(s) an example in training",
        "training.precision": "products",
        "training.seed": "seed",
    }
    said = ", ".join(f"{meaning} {shared[path]}" for path, meaning in named.items() if path in shared and _meant(path, members))
    least = min(member.selected_epoch()["w"] for member in members)
    settings = [member.evaluation["metrics"].get("likelihood", {}).get("settings", {}) for member in members]
    evaluated = ", ".join(
        f"{name} {settings[0][name]:,}"
        for name in ("samples", "sentences", "seed")
        if name in settings[0] and all(other.get(name) == settings[0][name] for other in settings)
    )
    estimated = f" NLL is estimated with: {evaluated}." if evaluated else ""
    runs = f"{len(members)} run{'s' * (len(members) > 1)}"
    weight = f"The KL's weight w was {least:.3f} or more in every epoch that was kept."
    return f"{runs}; shared by all: {said}. {weight}{estimated}\n"


def _meant(path: str, members: Sequence[Result]) -> bool:
    """Whether a field means something for one of the models."""
    return any(not reason_unused(member.config, path) for member in members)


_PREDICTIONS = """### Predicted labels

Of labels that supervised codes; what stands below the model was taught the same training labels. F1 is the mean of the classes'.
"""


def _predictions(members: Sequence[Result]) -> str:
    """How well labels are predicted, run by run, where some supervised codes."""
    head = [["label", "predicted by", "accuracy", "macro F1"], ["---", "---", "---:", "---:"]]
    lines = {member.title: lines_of(figures_of(member.evaluation)) for member in members}
    parts = [f"{title}:\n\n{markdown_table([*head, *found])}" for title, found in lines.items() if found]
    return f"{_PREDICTIONS}\n" + "\n".join(parts) if parts else ""


def _agreement(members: Sequence[Result]) -> str:
    """Agreement with labels, run by run, where there are any."""
    titles: dict[str, list[str]] = {}  # of runs without codes tables are the same, whatever the model
    for member in members:
        if tables := label_tables(figures_of(member.evaluation)):
            titles.setdefault("\n".join(tables).strip(), []).append(member.title)
    parts = [f"{'; '.join(of)}:\n\n```\n{table}\n```\n" for table, of in titles.items()]
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


def summary(runs: Sequence[str], split: str = "test") -> str:
    """Returns a small Markdown table of runs of one corpus: our figures / the papers' of the nearest model; "-" where there is none."""
    table = sorted(rows(runs, split), key=lambda row: _place(row.config))
    lines = [["`--model`", *_SUMMARY.values()], ["---", *["---:"] * len(_SUMMARY)]]
    for row in table:
        theirs = counterpart(row.config)
        pairs = [(row.mean(name), theirs.cell(name) if theirs else "") for name in _SUMMARY]
        name = row.name([change for change in row.changes if not change.startswith("objective.mi_weight=")])
        lines.append([f"`{name}`", *(f"{ours or '-'} / {printed or '-'}" if ours or printed else "" for ours, printed in pairs)])
    return markdown_table(lines)


def put_between(text: str, name: str, table: str) -> str:
    """Returns a document with the table between the lines <!-- name --> and <!-- /name -->.

    Raises:
      UserError: it has no such lines.
    """
    marks = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, start, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not (start and end):
        raise UserError(f"the document has no lines {' and '.join(mark.strip() for mark in marks)} to put the table between")
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


def _sentences(members: Sequence[Result]) -> str:
    """Sentences drawn from each prior."""
    parts = [f"{member.title}:\n\n```\n" + "\n".join(member.sentences) + "\n```\n" for member in members if member.sentences]
    return f"### The first {SENTENCES} sentences of each prior, words sampled\n\n" + "\n".join(parts) if parts else ""


def _commands(members: Sequence[Result]) -> str:
    lines = [f"{command_line(member.config)}  # {member.minutes:.1f} minutes" for member in members]
    machines = sorted({member.run.versions().get("machine", "") for member in members} - {""})
    revisions = sorted({member.run.versions().get("git", "") for member in members} - {""})
    where = f", on {listed(machines)}" if machines else ""
    groups = dict.fromkeys(name for member in members for name, group in member.evaluation["metrics"].items() if "figures" in group)
    return (
        "### Commands\n\n```bash\n" + "\n".join(lines) + "\n```\n\n"
        "Each was followed by `scripts/evaluate.py --run=…`, with the groups of figures that mean something for it, of: "
        f"{', '.join(groups)}. "
        f"Trained at revision {', '.join(revisions) or 'unknown'}{where}; minutes are of training.\n"
    )
