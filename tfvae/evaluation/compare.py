"""Tables over runs: a row a configuration, means and deviations over its seeds, the papers' rows beside them."""

import collections
import csv
import dataclasses
import io
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfvae.config import Config
from tfvae.errors import UserError
from tfvae.evaluation.evaluate import figures_of, split_evaluation
from tfvae.evaluation.published import PUBLISHED, Published
from tfvae.evaluation.table import number
from tfvae.training.fit import usual
from tfvae.training.run import Run, changed_fields

COLUMNS: Mapping[str, str] = {
    "nll_iw": "NLL",
    "nll_bound": "-ELBO",
    "loss": "loss",
    "perplexity_iw": "perplexity",
    "perplexity_bound": "perplexity (bound)",
    "reconstruction": "reconstruction",
    "kl_z": "KL(z)",
    "kl_c": "KL(c)",
    "dispersion": "dispersion",
    "natural_variance_start": "variance, start",
    "natural_variance": "variance, end",
    "mutual_information_c_mean": "MI(x;c)",
    "mutual_information_z": "MI(x;z)",
    "active_units": "active units",
    "bleu": "BLEU",
    "word_kl": "word KL",
    "word_kl_greedy": "word KL, greedy",
    "reverse_perplexity": "reverse perplexity",
    "reverse_perplexity_greedy": "reverse perplexity, greedy",
    "reverse_perplexity_real": "of real text",
    "distinct_2": "distinct-2",
    "distinct_2_greedy": "distinct-2, greedy",
    "self_bleu": "self-BLEU",
    "self_bleu_greedy": "self-BLEU, greedy",
    "adjusted_mutual_information[act, joint]": "AMI act",
    "homogeneity[act, joint]": "homogeneity act",
    "adjusted_mutual_information[emotion, joint]": "AMI emotion",
    "homogeneity[emotion, joint]": "homogeneity emotion",
}
"""Figures of a table and their headings; a column that no row has is left out."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One configuration's runs.

    Attributes:
      name: the model, and what was changed of its usual settings where several rows have the model.
      model: the model's name.
      seeds: of the runs.
      values: for each figure its values, one a run.
      errors: for each figure its standard error in the first run, None where it has none.
    """

    name: str
    model: str
    seeds: Sequence[int]
    values: Mapping[str, Sequence[float]]
    errors: Mapping[str, float | None]

    def cell(self, figure: str) -> str:
        """Returns the value, or mean ± standard deviation over seeds; "" where the row has none."""
        values = self.values.get(figure, ())
        if not values:
            return ""
        spread = f" ± {number(statistics.stdev(values))}" if len(values) > 1 else ""
        return number(values[0] if len(values) == 1 else statistics.fmean(values)) + spread


def scalars(evaluation: Mapping[str, Any]) -> dict[str, tuple[float, float | None]]:
    """Returns value and standard error of the figures of one split that are single numbers, labels and clusterings in their names."""
    found = {}
    for figure in figures_of(evaluation):
        if figure.value is None or isinstance(figure.value, list):
            continue
        found[figure.full_name] = (figure.value, figure.error)
    # one name for the KL of z, whatever the prior
    if "kl" in found:
        found["kl_z"] = found.pop("kl")
    return found


def rows(runs: Iterable[str], split: str = "test") -> list[Row]:
    """Reads evaluated runs and puts together those that differ in their seed alone.

    Raises:
      UserError: one is no run, was not evaluated on the split, or is of another corpus than the first.
    """
    groups: dict[str, list[tuple[Config, dict[str, tuple[float, float | None]]]]] = collections.defaultdict(list)
    corpus = ""
    for path in runs:
        run = Run(path)
        config, evaluation = run.config(), split_evaluation(run, split)
        corpus = corpus or config.data.name
        if config.data.name != corpus:
            raise UserError(f"{run.path} is of the corpus {config.data.name}, the first run of {corpus}: compare runs of one corpus")
        changed = changed_fields(config, usual(config))
        groups[" ".join([config.model, *(f"{path}={value}" for path, value in changed.items())])].append((config, scalars(evaluation)))
    models = collections.Counter(members[0][0].model for members in groups.values())
    table = []
    for name, members in groups.items():
        figures = dict.fromkeys(figure for _, values in members for figure in values)
        table.append(
            Row(
                name if models[members[0][0].model] > 1 else members[0][0].model,
                members[0][0].model,
                [config.training.seed for config, _ in members],
                {figure: [values[figure][0] for _, values in members if figure in values] for figure in figures},
                {figure: members[0][1].get(figure, (0.0, None))[1] for figure in figures},
            )
        )
    return table


def markdown(table: Sequence[Row], corpus: str = "", columns: Mapping[str, str] = COLUMNS) -> str:
    """Returns a Markdown table; of a corpus that papers have figures of, theirs below ours."""
    published = PUBLISHED.get(corpus, ())
    present = [name for name in columns if any(name in row.values for row in table)]
    lines = [_line(["model", *(columns[name] for name in present)]), _line(["---", *("---:" for _ in present)])]
    lines += [_line([f"`{row.name}`", *(row.cell(name) for name in present)]) for row in table]
    lines += [_line([f"{row.model} ({row.source})", *(_published(row, name) for name in present)]) for row in published]
    return "\n".join(lines) + "\n"


def _published(row: Published, name: str) -> str:
    return f"{row.values[name]:g}" if name in row.values else ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def to_csv(table: Sequence[Row]) -> str:
    """Returns all figures of all rows: model, figure, seeds, mean, deviation over seeds, standard error in the first run."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["model", "figure", "seeds", "mean", "deviation", "error"])
    for row in table:
        for name, values in row.values.items():
            deviation = statistics.stdev(values) if len(values) > 1 else ""
            error = row.errors[name]
            writer.writerow([row.name, name, len(values), statistics.fmean(values), deviation, "" if error is None else error])
    return stream.getvalue()
