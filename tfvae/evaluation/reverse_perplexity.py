"""Reverse perplexity: how well a language model that was trained on generated text predicts real text.

References:
  Zhao, Kim, Zhang, Rush, LeCun. Adversarially Regularized Autoencoders. ICML 2018, section 5.
  Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.1.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tfvae.evaluation.figure import Figure
from tfvae.evaluation.generation import as_read
from tfvae.evaluation.language_model import EPOCHS, SIZE, LanguageModel, perplexity
from tfvae.evaluation.subject import Subject

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
    value, error = perplexity(*LanguageModel(subject, training, validation).judge(subject.data))
    estimator = (
        f"perplexity of the split, ends counted, under an rnn_lm of {SIZE} units that {len(training):,} {kind} sentences trained "
        f"for up to {EPOCHS} epochs; not comparable with figures of other language models"
    )
    settings = {"sentences": len(training), "units": SIZE, "epochs": EPOCHS, "seed": subject.seed}
    return Figure(name, value, error, "", estimator, settings)
