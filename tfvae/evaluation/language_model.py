"""A language model by which texts are judged: that of others' words, trained for the purpose."""

import math
import tempfile
from collections.abc import Sequence

import numpy as np

from tfvae.data.corpus import Corpus, Split
from tfvae.data.tokenizers import READING
from tfvae.evaluation.figure import ratio
from tfvae.evaluation.generation import as_read
from tfvae.evaluation.subject import Subject
from tfvae.registry import resolve
from tfvae.training.fit import fit

SIZE = 200
"""Units and size of embeddings."""
EPOCHS = 10
_VALIDATION = 0.075  # validation texts for each training text, as in Shi et al. 2020, section 4.1: 3,000 for 40,000


class LanguageModel:
    """An `rnn_lm` of the words that a model knows."""

    def __init__(
        self, subject: Subject, training: Sequence[str], validation: Sequence[str], *, units: int = SIZE, epochs: int = EPOCHS
    ) -> None:
        """Trains it.

        Args:
          subject: says how texts are read.
          training: texts that it is trained on, as the subject reads them.
          validation: texts that select its epoch.
          units: its size.
          epochs: the most it is trained for.
        """
        data = subject.config.data
        self._config = resolve(
            "rnn_lm",
            "text",
            overrides={
                "decoder.embedding_dim": units,
                "decoder.hidden_dim": units,
                "training.epochs": epochs,
                "training.precision": subject.config.training.precision,
                "training.seed": subject.seed,
                **{f"data.{name}": getattr(data, name) for name in ("tokenizer", *READING)},
                "data.train_max_length": 0,
                "data.eval_max_length": data.eval_max_length,
            },
        )
        self._train, self._valid = split_of(training), split_of(validation)
        self._progress = subject.progress
        with tempfile.TemporaryDirectory() as directory:
            corpus, modality = self._corpus(subject.data), subject.model.modality
            self._model, _ = fit(self._config, f"{directory}/run", corpus=corpus, modality=modality, say=lambda line: None)

    def judge(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Returns log p of each text of a split, nats, and its tokens, ends counted, [N] each."""
        posteriors = Subject(self._model, self._config, self._corpus(split), "test", progress=self._progress).posteriors
        return posteriors.terms["elbo"], posteriors.observations

    def _corpus(self, test: Split) -> Corpus:
        return Corpus("judged", self._train, self._valid, test)


def sizes(subject: Subject) -> tuple[int, int]:
    """Returns how many texts an evaluation's language models are trained on, and how many select the epoch."""
    count = min(subject.generated, len(subject.corpus.train))
    return count, max(1, round(count * _VALIDATION))


def real_texts(subject: Subject) -> tuple[list[str], list[str]]:
    """Returns as many training texts, drawn by the seed, and the first of validation, as the subject reads them."""
    count, held_out = sizes(subject)
    train = subject.corpus.train.items
    chosen = np.sort(np.random.default_rng(subject.seed).permutation(len(train))[:count])
    return as_read(subject, [train[i] for i in chosen]), as_read(subject, subject.corpus.valid.items[:held_out])


def split_of(texts: Sequence[str]) -> Split:
    """Returns texts as a split without labels."""
    return Split(texts, {}, "generated", np.arange(1, len(texts) + 1))


def perplexity(log_prob: np.ndarray, tokens: np.ndarray) -> tuple[float, float]:
    """Returns the perplexity a token of N texts by their log-probabilities and lengths, and its standard error."""
    value, error = ratio(-log_prob, tokens)
    return math.exp(value), math.exp(value) * error
