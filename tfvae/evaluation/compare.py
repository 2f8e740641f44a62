"""Tables over runs: a row a configuration, means and deviations over its seeds, the papers' rows beside them."""

import collections
import csv
import dataclasses
import io
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tfvae.config import Config
from tfvae.errors import UserError
from tfvae.evaluation.evaluate import figures_of, split_evaluation
from tfvae.evaluation.published import PUBLISHED
from tfvae.evaluation.table import number
from tfvae.registry import reason_unused
from tfvae.training.changes import changed_fields
from tfvae.training.fit import usual
from tfvae.training.run import Run

COLUMNS: Mapping[str, str] = {
    "nll_iw": "NLL",
    "nll_bound": "-ELBO",
    "loss": "loss",
    "perplexity_iw": "perplexity",
    "perplexity_bound": "perplexity (bound)",
    "perplexity_bound_without_eos": "perplexity (bound), ends not counted",
    "reconstruction": "reconstruction",
    "kl_z": "KL(z)",
    "kl_c": "KL(c)",
    "dispersion": "dispersion",
    "natural_variance_start": "variance, start",
    "natural_variance": "variance, end",
    "mutual_information_c_mean": "MI(x;c)",
    "mutual_information_z": "MI(x;z)",
    "mutual_information_z_upper": "MI(x;z), upper bound",
    "active_units": "active units",
    "bleu": "BLEU",
    "word_kl": "word KL",
    "word_kl_greedy": "word KL, greedy",
    "reverse_perplexity": "reverse perplexity",
    "reverse_perplexity_greedy": "reverse perplexity, greedy",
    "reverse_perplexity_awd_lstm": "reverse perplexity, their AWD-LSTM",
    "distinct_2": "distinct-2",
    "distinct_2_greedy": "distinct-2, greedy",
    "self_bleu": "self-BLEU",
    "self_bleu_greedy": "self-BLEU, greedy",
}
"""Figures of a table of sentences and their headings; a column that no row has is left out.

Agreement of the joint code with each label follows."""
ALL_COLUMNS: Mapping[str, str] = {
    **COLUMNS,
    "bits_per_dimension_iw": "bits/dim",
    "bits_per_dimension_bound": "bits/dim (bound)",
    "pixels_reconstructed": "pixels right",
    "coherence_c_v_component": "C_v",
    "coherence_c_v_dimension": "C_v, dimensions",
    "coherence_c_v_lda": "C_v, LDA",
    "coherence_npmi_component": "NPMI",
    "coherence_npmi_dimension": "NPMI, dimensions",
    "coherence_npmi_lda": "NPMI, LDA",
    "diversity_component": "diversity",
    "diversity_dimension": "diversity, dimensions",
    "diversity_lda": "diversity, LDA",
}
"""The same with figures of examples that are no sentences."""
_JOINT = {"adjusted_mutual_information": "AMI", "homogeneity": "homogeneity"}
_PROBES = {"accuracy_perceptron": "perceptron probe of z"}
_WITH_ERROR = ("nll_iw", "reverse_perplexity", "reverse_perplexity_greedy")  # of one run, beside the value
_REAL = "_real"  # ends the names of what real text scores
_PAPERS_OWN = ("reverse_perplexity_awd_lstm",)  # figures that only papers have


@dataclasses.dataclass(frozen=True)
class Row:
    """One configuration's runs.

    Attributes:
      config: of the first run.
      changes: what differs from the model's usual settings, "path=value" each.
      seeds: of the runs.
      values: for each figure its values, one a run.
      errors: for each figure its standard error in the first run, None where it has none.
      settings: the evaluation's, as "likelihood: samples=500 …", of each run.
    """

    config: Config
    changes: Sequence[str]
    seeds: Sequence[int]
    values: Mapping[str, Sequence[float]]
    errors: Mapping[str, float | None]
    settings: Sequence[frozenset[str]] = ()

    def name(self, shared: Iterable[str] = ()) -> str:
        """Returns the model and the changes, but for those that all rows share."""
        return " ".join([self.config.model, *(change for change in self.changes if change not in set(shared))])

    def cell(self, figure: str) -> str:
        """Returns mean ± standard deviation over seeds; of one run the value, of some figures ± its error; "" where the row has none."""
        values = self.values.get(figure, ())
        if not values:
            return ""
        if len(values) > 1:
            return f"{self.mean(figure)} ± {number(statistics.stdev(values))}"
        error = self.errors.get(figure) if figure in _WITH_ERROR else None
        return self.mean(figure) + ("" if error is None else f" ± {number(error)}")

    def mean(self, figure: str) -> str:
        """Returns the value, or the mean over seeds; "" where the row has none."""
        values = self.values.get(figure, ())
        if not values:
            return ""
        return number(values[0] if len(values) == 1 else statistics.fmean(values))


def scalars(evaluation: Mapping[str, Any]) -> dict[str, tuple[float, float | None]]:
    """Returns values and standard errors of the figures of one split by name, labels and clusterings in the names.

    A figure of several numbers, one a latent variable, is as many: name[0], name[1], …
    """
    return {name: value for figure in figures_of(evaluation) for name, value in _numbers(figure.full_name, figure.value, figure.error)}


def _numbers(name: str, value: Any, error: Any) -> Iterator[tuple[str, tuple[float, float | None]]]:
    """Yields the numbers of a figure, by name, with their errors."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _numbers(f"{name}[{i}]", item, error[i] if isinstance(error, list) else None)
    elif value is not None:
        yield name, (value, error)


def changes(config: Config) -> list[str]:
    """Returns what differs from the model's usual settings, "path=value" each."""
    return [f"{path}={value}" for path, value in changed_fields(config, usual(config)).items()]


def rows(runs: Iterable[str], split: str = "test") -> list[Row]:
    """Reads evaluated runs and puts together those that differ in their seed alone.

    Raises:
      UserError: one is no run, was not evaluated on the split, is of another corpus than the first, or repeats another.
    """
    groups: dict[tuple[str, ...], list[tuple[Config, dict[str, tuple[float, float | None]], frozenset[str]]]] = collections.defaultdict(
        list
    )
    corpus, seen = "", set()
    for path in runs:
        run = Run(path)
        config, evaluation = run.config(), split_evaluation(run, split)
        corpus = corpus or config.data.name
        if config.data.name != corpus:
            raise UserError(f"{run.path} is of the corpus {config.data.name}, the first run of {corpus}: compare runs of one corpus")
        if (weights := evaluation.get("weights", str(run.path))) in seen:
            raise UserError(f"{run.path} has the weights of a run before it: name each run once")
        seen.add(weights)
        key = (config.model, *changes(config))
        groups[key].append((config, scalars(evaluation), _settings(evaluation)))
    table = []
    for (_, *changed), members in groups.items():
        figures = dict.fromkeys(figure for _, values, _ in members for figure in values)
        table.append(
            Row(
                members[0][0],
                changed,
                [config.training.seed for config, _, _ in members],
                {figure: [values[figure][0] for _, values, _ in members if figure in values] for figure in figures},
                {figure: members[0][1].get(figure, (0.0, None))[1] for figure in figures},
                [settings for _, _, settings in members],
            )
        )
    return table


def _settings(evaluation: Mapping[str, Any]) -> frozenset[str]:
    """What the figures of an evaluation were computed with."""
    groups = evaluation.get("metrics", {}).items()
    return frozenset(
        f"{name}: {key}={value}" for name, group in groups for key, value in group.get("settings", {}).items() if "figures" in group
    )


def unequal_settings(table: Sequence[Row]) -> list[str]:
    """Returns the settings, "likelihood: samples=500", that some of the evaluations have and others have not, of groups that all have."""
    each = [settings for row in table for settings in row.settings]
    groups = [{setting.partition(":")[0] for setting in settings} for settings in each]
    shared = set.intersection(*groups) if groups else set()
    differing = set().union(*each) - set(each[0]).intersection(*each) if each else set()
    return sorted(setting for setting in differing if setting.partition(":")[0] in shared)


def markdown(table: Sequence[Row], corpus: str = "", columns: Mapping[str, str] = ALL_COLUMNS) -> str:
    """Returns a Markdown table.

    Args:
      table: the rows.
      corpus: whose test split they are of: the figures of papers come below ours; "" for none.
      columns: figures and their headings.
    """
    head, *body = cells(table, corpus, columns)
    shared, notes = shared_changes(table), []
    body = [[f"`{cell}`" if i < len(table) and not place else cell for place, cell in enumerate(line)] for i, line in enumerate(body)]
    lines = [head, ["---", *("---:" for _ in head[1:])], *body]
    if shared:
        notes.append(f"All rows have {', '.join(f'`{change}`' for change in shared)}, where it means something.")
    if any(len(row.seeds) > 1 for row in table):
        seeds = ", ".join(f"{row.name(shared)} {len(row.seeds)}" for row in table)
        notes.append(f"± is the standard deviation over seeds (runs of each row: {seeds}); of a single run, the standard error.")
    elif any(row.errors.get(name) is not None for row in table for name in _WITH_ERROR):
        notes.append("± is the standard error of one run's estimate.")
    if unequal := unequal_settings(table):
        notes.append(f"Not all of them were evaluated alike: {', '.join(unequal)}.")
    return markdown_table(lines) + "".join(f"\n{note}\n" for note in notes)


def cells(table: Sequence[Row], corpus: str = "", columns: Mapping[str, str] = ALL_COLUMNS) -> list[list[str]]:
    """Returns the lines of `markdown`'s table as cells, the headings first."""
    published = PUBLISHED.get(corpus, ())
    columns = {**columns, **label_columns(table)}
    measured = {name for row in table for name in row.values}
    printed = {name for row in published for name in row.values}
    present = [name for name in columns if name in measured or (name in _PAPERS_OWN and name in printed)]
    shared = shared_changes(table)
    lines = [["model", *(columns[name] for name in present)]]
    lines += [[row.name(shared), *(row.cell(name) for name in present)] for row in table]
    real = [_real_text(table, name) for name in present]
    lines += [["real text", *real]] if any(real) else []
    return lines + [[f"{row.model} ({row.source})", *(row.cell(name) for name in present)] for row in published]


def _real_text(table: Sequence[Row], name: str) -> str:
    """What real text scores in a figure, as the first row says that has it; how a model chooses words does not matter to it."""
    name = name.removesuffix("_greedy") + _REAL
    row = next((row for row in table if name in row.values), None)
    return number(row.values[name][0]) if row else ""


def shared_changes(table: Sequence[Row]) -> list[str]:
    """Returns the changes that every row has whose model the field means something for, if there is more than one row."""
    if len(table) < 2:
        return []
    every = dict.fromkeys(change for row in table for change in row.changes)
    return [
        change for change in every if all(change in row.changes or reason_unused(row.config, change.partition("=")[0]) for row in table)
    ]


def label_columns(table: Sequence[Row]) -> dict[str, str]:
    """Returns the columns of the joint code's agreement with labels and of probes of z, and their headings."""
    found = {}
    for name in dict.fromkeys(name for row in table for name in row.values):
        figure, _, rest = name.removesuffix("]").partition("[")
        if figure in _JOINT and rest.endswith(", joint"):
            found[name] = f"{_JOINT[figure]} {rest.removesuffix(', joint')}"
        elif figure in _PROBES:
            found[name] = f"{rest}, {_PROBES[figure]}"
    return found


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table of lines of cells: the headings, the rules that align the columns, the rows."""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_csv(table: Sequence[Row], corpus: str = "") -> str:
    """Returns all figures of all rows: model, figure, runs, mean, deviation over seeds, standard error in the first run, the seeds.

    Papers' rows of the corpus, "" for none, come below, without runs.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["model", "figure", "runs", "mean", "deviation", "error", "seeds"])
    for row in table:
        for name, values in row.values.items():
            deviation = statistics.stdev(values) if len(values) > 1 else ""
            error = row.errors[name]
            seeds = " ".join(map(str, row.seeds))
            line = [row.name(), name, len(values), statistics.fmean(values), deviation, "" if error is None else error, seeds]
            writer.writerow(line)
    for printed in PUBLISHED.get(corpus, ()):
        writer.writerows([f"{printed.model} ({printed.source})", name, "", value, "", "", ""] for name, value in printed.values.items())
    return stream.getvalue()
