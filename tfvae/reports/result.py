"""One evaluated run, as pages of results read it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tfvae.config import Config
from tfvae.errors import UserError
from tfvae.evaluation.evaluate import figures_of
from tfvae.training.run import Run

SENTENCES = 10
"""Sentences of each model on the page."""


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

    @property
    def minutes(self) -> float:
        """How long its epochs took, validation and snapshots included."""
        return sum(line.get("seconds", 0.0) for line in self.run.read_metrics()) / 60

    def selected_epoch(self) -> Mapping[str, Any]:
        """The line of metrics.jsonl of the epoch that was selected.

        Raises:
          UserError: there is none.
        """
        by = {"objective": "val_loss", "elbo": "val_elbo", "label": "val_label"}[self.config.training.select]
        sign = -1 if by == "val_elbo" else 1
        lines = [line for line in self.run.read_metrics() if by in line]
        if not lines:
            raise UserError(f"{self.run.metrics_file}: has no epoch; name a run that was trained")
        return min(lines, key=lambda line: sign * line[by])

    @property
    def sentences(self) -> list[str]:
        """The first sentences drawn from the prior."""
        file = self.run.path / "samples.txt"
        return file.read_text().splitlines()[:SENTENCES] if file.exists() else []
