"""Labels of training examples that say what codes are."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.auxiliaries.label import KEY
from tfvae.config import Config
from tfvae.config.labels import supervised
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.labelled_texts import NO_LABEL
from tfvae.errors import UserError, suggest
from tfvae.modalities.modality import Batch, Examples
from tfvae.models.labels import Labels, Supervised
from tfvae.registry.applicable import part_of

_STREAM = 5  # of the training seed, for which examples are labelled


@dataclasses.dataclass(frozen=True)
class Supervision:
    """What labels say of the codes of a corpus's examples.

    Attributes:
      labels: the variable and the classes of each label.
      numbers: for each label the component that each of the corpus's classes is, int [classes]; -1 for what is no class.
      share: of training examples whose labels are seen.
      seed: of which ones are.
    """

    labels: Labels
    numbers: Mapping[str, np.ndarray]
    share: float
    seed: int

    def codes(self, split: Split) -> dict[str, np.ndarray]:
        """Returns the component that each example of a split should have, by the label, int32 [N], -1 where that is not known."""
        return {name: numbers[split.labels[name]].astype(np.int32) for name, numbers in self.numbers.items()}

    def training_codes(self, split: Split) -> dict[str, np.ndarray]:
        """Returns the same of the training split, of which all but a share are not known; that share is the same for all labels."""
        seen = np.zeros(len(split), bool)
        seen[np.random.default_rng([self.seed, _STREAM]).permutation(len(split))[: round(self.share * len(split))]] = True
        return {name: np.where(seen, codes, -1).astype(np.int32) for name, codes in self.codes(split).items()}

    @property
    def names(self) -> dict[tuple[int, int], str]:
        """The classes' names by (variable, component)."""
        return {(label.variable, k): name for label in self.labels.values() for k, name in enumerate(label.classes)}


def supervision_of(config: Config, corpus: Corpus) -> Supervision:
    """Reads `objective.labels` and `data.labelled_share`.

    Raises:
      UserError: the corpus has no such label, a label has more classes than a variable has components, or a variable whose codes are taught
        by labels alone has none.
    """
    labels, numbers = {}, {}
    for name, variable in supervised(config.objective.labels).items():
        if name not in corpus.train.labels:
            raise UserError(f"config.objective.labels: {name!r} is not a label of the corpus{suggest(name, corpus.train.labels)}")
        most = max(int(corpus.split(split).labels[name].max(initial=0)) for split in SPLITS)
        classes = [str(found) for found in corpus.label_names.get(name, range(most + 1))]
        known = [number for number, found in enumerate(classes) if found != NO_LABEL]
        if len(known) > config.latent.components:
            raise UserError(
                f"config.objective.labels: {name} has {len(known)} classes, and variable {variable} has {config.latent.components} "
                f"components: a class is one of them; set --components={len(known)} or more"
            )
        numbers[name] = np.full(len(classes), -1)
        numbers[name][known] = np.arange(len(known))
        labels[name] = Supervised(variable, tuple(classes[number] for number in known))
    if "labels" in part_of(config, "inference").needs and len(labels) < config.latent.variables:
        raise UserError(
            f"config.inference.kind = {config.inference.kind}: labels alone teach its codes, and {len(labels)} of "
            f"{config.latent.variables} variables have one: name more in config.objective.labels, or have fewer --variables"
        )
    found = Supervision(labels, numbers, config.data.labelled_share, config.training.seed)
    for name, codes in found.training_codes(corpus.train).items():
        if not np.any(codes >= 0):
            raise UserError(f"config.objective.labels: no training example's {name} is known: raise config.data.labelled_share")
    return found


class SupervisedExamples:
    """Examples whose batches say what their codes are, under `KEY`."""

    def __init__(self, examples: Examples, codes: Mapping[str, np.ndarray]) -> None:
        """Joins a split's examples and codes, int32 [N] by the label."""
        self.examples = examples
        with tf.init_scope(), tf.device("CPU"):
            self._codes = {name: tf.constant(values) for name, values in codes.items()}

    def __len__(self) -> int:
        """How many there are."""
        return len(self.examples)

    @property
    def cost(self) -> np.ndarray:
        """What each example costs, int [N]."""
        return self.examples.cost

    def batch(self, index: Any, epoch: Any = None) -> Batch:
        """Returns the batch of the examples that `index`, int [B], names."""
        known = {name: tf.gather(codes, tf.cast(index, tf.int32)) for name, codes in self._codes.items()}
        return {**self.examples.batch(index, epoch), KEY: known}
