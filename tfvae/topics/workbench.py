"""A trained run on the table: its topics told, merged, renamed, drawn, and held against other texts."""

import dataclasses
import functools
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tfvae.data import corpora
from tfvae.errors import UserError
from tfvae.evaluation.subject import Subject
from tfvae.models.model import Model
from tfvae.models.topics import Topics
from tfvae.progress import Progress, no_progress
from tfvae.topics import hierarchy, pictures
from tfvae.topics.cards import Cards, counted
from tfvae.topics.novelty import Novelty
from tfvae.topics.table import table
from tfvae.training.fit import load
from tfvae.training.zoo import find

_KNOWN = 2000
"""Validation items, at most, that others are held against."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a model says of N items.

    Attributes:
      codes: the topic of each variable, int [N, J].
      names: of those topics, J a row; "j:k" of one without a name.
      probabilities: of those topics, [N, J].
      unlike: the share of validation items that are less surprising, [N]: 1 for what is unlike all.
    """

    codes: np.ndarray
    names: Sequence[Sequence[str]]
    probabilities: np.ndarray
    unlike: np.ndarray


class Workbench:
    """A run's topics. What is edited is written beside the run at once, and the weights stay.

    Attributes:
      run: the run.
      subject: its model on the split whose texts are counted.
    """

    def __init__(self, run: str, *, split: str = "train", progress: Progress = no_progress) -> None:
        """Loads a run.

        Args:
          run: the run directory.
          split: whose items are counted and shown, 20,000 of them at most, spread evenly.
          progress: shows how far a long loop is.

        Raises:
          UserError: there is no trained run, its corpus cannot be read, or its model has no codes.
        """
        self.run, config, model = find(run), find(run).config(), load(run)
        if not model.vae.latent.has_codes:
            raise UserError(f"--run={run}: {config.model} has no codes, so there are no topics; code_vae has")
        self.subject = counted(Subject(model, config, corpora.read(config.data), split, progress=progress), split)
        self._cards = Cards(self.subject)  # which reads the topics as they are when it is asked, and counts words once

    @property
    def model(self) -> Model:
        """The model, its codes the topics."""
        return self.subject.model

    @property
    def topics(self) -> Topics:
        """The topics as they are by now."""
        return self.model.topics

    def table(self, *, stop_words: str = "", dead: bool = False) -> list[dict[str, Any]]:
        """Returns a row for each topic: see `tfvae.topics.table`."""
        return table(Cards(self.subject, stop_words=stop_words) if stop_words else self._cards, dead=dead)

    def names(self, variable: int) -> dict[int, str]:
        """Returns the names of a variable's topics that are in use, given or proposed, the most used first."""
        return self._cards.names(variable)

    def edit(self, topics: Topics) -> None:
        """Takes other topics, and writes them beside the run."""
        topics.save(find(str(self.run.path), writes=True).path)
        self.subject.model = Model(self.model.modality, self.model.vae, topics)

    def reset(self) -> None:
        """Makes components topics again, without names."""
        self.edit(Topics.of(*self.topics.into.shape))

    def merge(self, written: Iterable[str]) -> None:
        """Makes topics of one variable, written as j:k or by their names, count as one.

        Raises:
          UserError: there is no such topic, they are of several variables, or there are not two.
        """
        places = [self.topics.find(topic) for topic in written]
        if len({variable for variable, _ in places}) > 1:
            raise UserError(f"{', '.join(written)}: topics of several variables cannot be merged")
        self.edit(self.topics.merge(places[0][0], [topic for _, topic in places]))

    def rename(self, written: str, name: str) -> None:
        """Gives a topic a name.

        Raises:
          UserError: there is no such topic, or it cannot be called so.
        """
        self.edit(self.topics.rename(*self.topics.find(written), name))

    def reduce(self, variable: int, count: int) -> None:
        """Merges the most alike topics of a variable until there are `count`.

        Raises:
          UserError: there is no such variable, its items are no texts, or there are not more topics.
        """
        self.edit(hierarchy.reduce(self.topics, variable, count, self._counts(variable)))

    def dendrogram(self, variable: int, path: str) -> None:
        """Draws which topics of a variable are alike into a file, .png or .svg.

        Raises:
          UserError: there is no such variable, or there are not two topics, or the file's name ends otherwise.
        """
        if pathlib.Path(path).suffix not in (".png", ".svg"):
            raise UserError(f"{path}: must end in .png or .svg")
        counts = self._counts(variable)
        names = {topic: f"{name}  {variable}:{topic}" for topic, name in self.names(variable).items()}
        if len(names) < 2:
            raise UserError(f"variable {variable} has {len(names)} topics in use: two at least are compared")
        pictures.dendrogram(hierarchy.linkage(counts[list(names)]), list(names.values()), f"variable {variable}", pathlib.Path(path))

    def read(self, items: Any) -> Reading:
        """Returns what the model says of items it may not have seen.

        Raises:
          UserError: as `Model.encode`.
        """
        answer = self.model.encode(items)
        codes = answer["codes"]
        probabilities = np.take_along_axis(answer["probabilities"], codes[..., np.newaxis], axis=-1)[..., 0]
        names = [[self.topics.name(j, topic) or f"{j}:{topic}" for j, topic in enumerate(row)] for row in codes.tolist()]
        return Reading(codes, names, probabilities, self.novelty(items))

    @functools.cached_property
    def novelty(self) -> Novelty:
        """Says how unlike validation items are others."""
        return Novelty(self.model, self.subject.corpus.valid.head(_KNOWN).items)

    def _counts(self, variable: int) -> np.ndarray:
        """How often words are in the texts of each topic's number, [K, V]."""
        latent = self.model.vae.latent
        if not 0 <= variable < latent.num_variables:
            raise UserError(f"variable {variable}: variables are numbered 0 to {latent.num_variables - 1}")
        if not self._cards.in_words:
            raise UserError("topics are compared by their words, and this model's examples have none")
        return self._cards.word_counts(variable)
