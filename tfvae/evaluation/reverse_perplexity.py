"""Reverse perplexity: how well a language model that was trained on generated text predicts real text.

References:
  Zhao, Kim, Zhang, Rush, LeCun. Adversarially Regularized Autoencoders. ICML 2018, section 5.
  Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.1.
"""

from collections.abc import Iterator, Sequence

from tfvae.evaluation.figure import Figure
from tfvae.evaluation.language_model import EPOCHS, SIZE, LanguageModel, perplexity, real_texts, sizes
from tfvae.evaluation.subject import Subject


def reverse_perplexity(subject: Subject) -> Iterator[Figure]:
    """Yields the perplexity of the split under a language model of generated sentences, for each way in which words are chosen."""
    count, held_out = sizes(subject)
    for suffix, method in subject.decodings.items():
        drawn = subject.from_prior(count + held_out, method)
        yield _perplexity(subject, f"reverse_perplexity{suffix}", drawn[:count], drawn[count:], f"generated ({method})")


def reverse_perplexity_real(subject: Subject) -> Iterator[Figure]:
    """Yields the yardstick: the same of as many real training sentences. All runs that read texts alike have the same one."""
    yield _perplexity(subject, "reverse_perplexity_real", *real_texts(subject), "real training")


def _perplexity(subject: Subject, name: str, training: Sequence[str], validation: Sequence[str], kind: str) -> Figure:
    value, error = perplexity(*LanguageModel(subject, training, validation).judge(subject.data))
    estimator = (
        f"perplexity of the split, ends counted, under an rnn_lm of {SIZE} units that {len(training):,} {kind} sentences trained "
        f"for up to {EPOCHS} epochs; not comparable with figures of other language models"
    )
    settings = {"sentences": len(training), "units": SIZE, "epochs": EPOCHS, "seed": subject.seed}
    return Figure(name, value, error, "", estimator, settings)
