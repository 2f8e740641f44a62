"""Reverse perplexity: how well a language model that was trained on generated text predicts real text.

References:
  Zhao, Kim, Zhang, Rush, LeCun. Adversarially Regularized Autoencoders. ICML 2018, section 5.
  Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.1.
"""

import math
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from tfvae.data.corpus import Corpus, Split
from tfvae.data.tokenizers import READING
from tfvae.evaluation.figure import Figure, ratio
from tfvae.evaluation.generation import as_read
from tfvae.evaluation.subject import Subject
from tfvae.registry import resolve
from tfvae.training.fit import fit

SIZE = 200
"""Units and size of embeddings of the language model."""
EPOCHS = 10
_VALIDATION = 0.075  # validation sentences for each training sentence, as in Shi et al.: 3,000 for 40,000


def reverse_perplexity(subject: Subject) -> Iterator[Figure]:
    """Yields the perplexity of the split under a language model of generated sentences, for each way in which words are chosen."""
    count, held_out = _sizes(subject)
    for suffix, method in subject.decodings.items():
        drawn = subject.from_prior(count + held_out, method)
        yield _perplexity(subject, f"reverse_perplexity{suffix}", drawn[:count], drawn[count:], f"generated ({method})")


def reverse_perplexity_real(subject: Subject) -> Iterator[Figure]:
    """Yields the yardstick: the same of as many real training sentences. All runs that read texts alike have the same one."""
    count, held_out = _sizes(subject)
    train = subject.corpus.train.items
    chosen = np.sort(np.random.default_rng(subject.seed).permutation(len(train))[:count])
    real = as_read(subject, [train[i] for i in chosen])
    valid = as_read(subject, subject.corpus.valid.items[:held_out])
    yield _perplexity(subject, "reverse_perplexity_real", real, valid, "real training")


def _sizes(subject: Subject) -> tuple[int, int]:
    """Sentences that a language model is trained on, real or generated, and those that select its epoch."""
    count = min(subject.generated, len(subject.corpus.train))
    return count, max(1, round(count * _VALIDATION))


def _perplexity(subject: Subject, name: str, training: Sequence[str], validation: Sequence[str], kind: str) -> Figure:
    value, error = language_model_perplexity(subject, training, validation)
    estimator = (
        f"perplexity of the split, ends counted, under an rnn_lm of {SIZE} units that {len(training):,} {kind} sentences trained "
        f"for up to {EPOCHS} epochs; not comparable with figures of other language models"
    )
    settings = {"sentences": len(training), "units": SIZE, "epochs": EPOCHS, "seed": subject.seed}
    return Figure(name, value, error, "", estimator, settings)


def language_model_perplexity(
    subject: Subject, training: Sequence[str], validation: Sequence[str], *, units: int = SIZE, epochs: int = EPOCHS
) -> tuple[float, float]:
    """Returns the perplexity of the split's sentences, ends counted, and its error, under a language model of the same words.

    Args:
      subject: the split, and how it reads texts.
      training: sentences that the language model is trained on, as the subject reads them.
      validation: sentences that select its epoch.
      units: its size.
      epochs: the most it is trained for.
    """
    data = subject.config.data
    config = resolve(
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
    train, valid = (Split(texts, {}, "generated", np.arange(1, len(texts) + 1)) for texts in (training, validation))
    corpus = Corpus("generated", train, valid, subject.data)
    with tempfile.TemporaryDirectory() as directory:
        model, _ = fit(config, f"{directory}/run", corpus=corpus, modality=subject.model.modality, say=lambda line: None)
    judged = Subject(model, config, corpus, "test", progress=subject.progress)
    value, error = ratio(-judged.posteriors.terms["elbo"], judged.posteriors.observations)
    return math.exp(value), math.exp(value) * error
