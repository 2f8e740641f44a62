"""What a user knows of some codes beforehand: words that tell them, or labels of some texts."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tfvae.config import Config
from tfvae.data.corpus import Corpus, Split
from tfvae.data.files import read_lines
from tfvae.data.labelled_texts import NO_LABEL
from tfvae.errors import UserError, listed, suggest
from tfvae.modalities.modality import Modality
from tfvae.modalities.words import Words
from tfvae.training.supervision import Supervision


@dataclasses.dataclass(frozen=True)
class Hints:
    """Codes that training examples should have.

    Attributes:
      codes: for variables that there are hints of, a component's number for each training example, int [N], -1 where nothing is known.
      names: of components (variable, number) that were named.
    """

    codes: Mapping[int, np.ndarray] = dataclasses.field(default_factory=dict)
    names: Mapping[tuple[int, int], str] = dataclasses.field(default_factory=dict)

    def beside(self, supervision: Supervision, train: Split) -> "Hints":
        """Returns these, with what labels say of the codes of the training split.

        Raises:
          UserError: both speak of one variable.
        """
        codes = {supervision.labels[name].variable: found for name, found in supervision.training_codes(train).items()}
        if both := self.codes.keys() & codes.keys():
            raise UserError(f"config.objective.labels and config.inference.seed_… both say what variable {min(both)} is: give one")
        return Hints({**self.codes, **codes}, {**self.names, **supervision.names})


def hints_of(config: Config, corpus: Corpus, modality: Modality) -> Hints:
    """Reads `inference.seed_words` and `inference.seed_label`.

    Raises:
      UserError: the file cannot be read, there is no such label, or there are more kinds than components.
    """
    inference = config.inference
    if inference.seed_words and inference.seed_label:
        raise UserError("config.inference.seed_words and seed_label both say which codes examples should have: give one")
    found = Hints()
    if inference.seed_words:
        found = _of_words(inference.seed_words, config, corpus, modality)
    elif inference.seed_label:
        found = _of_label(inference.seed_label, config, corpus)
    return found


def _of_label(name: str, config: Config, corpus: Corpus) -> Hints:
    if name not in corpus.train.labels:
        raise UserError(f"config.inference.seed_label = {name!r} is not a label of the corpus{suggest(name, corpus.train.labels)}")
    classes = list(corpus.label_names[name])
    known = [place for place, label in enumerate(classes) if label != NO_LABEL]
    _check_sizes(config, 0, len(known))
    numbers = np.full(len(classes), -1)
    numbers[known] = np.arange(len(known))
    return Hints({0: numbers[corpus.train.labels[name]]}, {(0, number): classes[place] for number, place in enumerate(known)})


def _of_words(path: str, config: Config, corpus: Corpus, modality: Modality) -> Hints:
    """Codes of the texts that have more of one kind's words than of any other's."""
    if not isinstance(modality, Words):
        raise UserError(f"config.inference.seed_words: this corpus has {modality.name}, and seeds are words")
    seeds = read_seeds(path)
    texts = modality.vocabulary.split_words(list(corpus.train.items)).to_list()
    present = [{word.decode() for word in text} for text in texts]
    codes: dict[int, np.ndarray] = {}
    names: dict[tuple[int, int], str] = {}
    for variable in {place[0] for place in seeds}:
        kinds = [(name, words) for (j, name), words in seeds.items() if j == variable]
        _check_sizes(config, variable, len(kinds))
        counts = np.array([[len(words & text) for _, words in kinds] for text in present])
        best = counts.argmax(axis=1)
        alone = (counts == counts.max(axis=1, keepdims=True)).sum(axis=1) == 1
        codes[variable] = np.where(alone & (counts.max(axis=1) > 0), best, -1)
        names |= {(variable, number): name for number, (name, _) in enumerate(kinds)}
        if absent := [name for number, (name, _) in enumerate(kinds) if not np.any(codes[variable] == number)]:
            raise UserError(f"{path}: no training text has the words of {listed(absent)} more than any other's: name other words")
    return Hints(codes, names)


def _check_sizes(config: Config, variable: int, kinds: int) -> None:
    latent = config.latent
    if kinds > latent.components or variable >= latent.variables:
        sizes = f"{latent.variables} variables of {latent.components} components"
        raise UserError(f"{kinds} kinds are named of variable {variable}, and there are {sizes}: name fewer, or raise --components")


def read_seeds(path: str) -> dict[tuple[int, str], set[str]]:
    """Reads seed words: a line `name: word, word, …` for each kind; a line `[1]` says that the following are of variable 1, and so on.

    Returns:
      the words of each (variable, name).

    Raises:
      UserError: the file cannot be read, or a line does not read so.
    """
    variable, found = 0, {}
    for line, number in zip(*read_lines(path, advice="check --seed_words"), strict=True):
        text = line.strip()
        if text.startswith("[") and text.endswith("]") and text[1:-1].isdecimal():
            variable = int(text[1:-1])
            continue
        name, colon, rest = text.partition(":")
        words = set(rest.replace(",", " ").split())
        if not (colon and name.strip() and words) or name.strip().isdecimal():
            raise UserError(f"{path}:{number}: {text[:60]!r}: must be 'name: word, word, …', or '[1]' before the kinds of variable 1")
        if (variable, name.strip()) in found:
            raise UserError(f"{path}:{number}: {name.strip()!r} is there twice")
        found[variable, name.strip()] = words
    if not found:
        raise UserError(f"{path}: no line names a kind: 'name: word, word, …'")
    return found
