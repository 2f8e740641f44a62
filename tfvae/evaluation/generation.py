"""How good generated text is: reconstructions, and sentences from the prior against real ones.

References:
  Papineni et al. BLEU. ACL 2002; Post. A Call for Clarity in Reporting BLEU Scores. WMT 2018 (sacrebleu).
  Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.1 (word-level KL).
  Zhu et al. Texygen. SIGIR 2018 (self-BLEU). Li et al. A Diversity-Promoting Objective Function. NAACL 2016 (distinct-n).
"""

import collections
import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from sacrebleu.metrics import BLEU

from tfvae.evaluation.figure import Figure
from tfvae.evaluation.subject import Subject
from tfvae.progress import Progress, no_progress
from tfvae.tokens import SPECIALS, UNK

_BOOTSTRAP = 200
_SELF_BLEU = 500  # sentences, each held against all others
_BATCH = 2000
UNKNOWN = SPECIALS[UNK]
_NO_MATCH = "<no-match>"  # a word that no reference has


def reconstruction(subject: Subject) -> Iterator[Figure]:
    """Yields the BLEU of greedy reconstructions of the split."""
    references = as_read(subject, subject.data.items)
    longest = int(subject.sentences_read.length.max())
    written: list[str] = []
    starts = range(0, len(references), _BATCH)
    for start in subject.progress("reconstructions", starts, len(starts)):
        some = subject.data.items[start : start + _BATCH]
        written += subject.model.reconstruct(some, method="greedy", max_length=longest, unknown=True)
    score, error, signature = corpus_bleu(written, references)
    estimator = f"greedy reconstructions from the mode of q(z|x), sacrebleu {signature}"
    settings = {"sentences": len(references), "unknown": unknown_share(references)}
    yield Figure("bleu", score, error, "of 100", estimator, settings, remark=_unknown_remark(settings["unknown"]))
    score, error, _ = corpus_bleu([text.replace(UNKNOWN, _NO_MATCH) for text in written], references)
    yield Figure("bleu_known", score, error, "of 100", f"{estimator}; an unknown word is like no other", settings)
    same = np.mean([text == reference for text, reference in zip(written, references, strict=True)])
    yield Figure("reconstructed_exactly", same, math.sqrt(same * (1 - same) / len(references)), "share", "word by word")


def corpus_bleu(written: Sequence[str], references: Sequence[str]) -> tuple[float, float, str]:
    """Returns the BLEU of sentences against a reference each, of 100, not smoothed, its bootstrapped error, and sacrebleu's signature."""
    metric = BLEU(tokenize="none", smooth_method="none", force=True)
    score = metric.corpus_score(list(written), [list(references)], n_bootstrap=_BOOTSTRAP)
    return score.score, score._ci / 1.96, metric.get_signature().format(short=True)


def unknown_share(texts: Sequence[str]) -> float:
    """Returns the share of words that are the mark of unknown ones."""
    words = [word for text in texts for word in text.split()]
    return words.count(UNKNOWN) / max(1, len(words))


def _unknown_remark(share: float) -> str:
    return f"{share:.1%} of the words are unknown, all alike; bleu_known lets none of them match" if share else ""


def samples(subject: Subject) -> Iterator[Figure]:
    """Yields the figures of sentences drawn from the prior, their words sampled; and, where there is a z, taken greedily.

    Those that end in "_real" are of the split's own sentences. They are a yardstick, not a bound: the split is smaller than what is
    generated, and its sentences come from texts that training has none of.
    """
    train, real = (as_read(subject, texts.items) for texts in (subject.corpus.train, subject.data))
    for name, value, estimator in word_divergences(real, train):
        yield Figure(f"{name}_real", value, unit="nats", estimator=estimator, settings={"sentences": len(real)})
    some = [real[i] for i in subject.choose(_SELF_BLEU)]  # neighbours are of one text, and alike
    yield dataclasses.replace(_self_bleu_figure(some, subject.progress), name="self_bleu_real")
    for suffix, method in subject.decodings.items():
        generated = subject.from_prior(subject.generated, method)
        settings = {"sentences": len(generated), "seed": subject.seed, "decoding": method, **subject.limits}
        for figure in _sample_figures(generated, train, subject.progress):
            yield dataclasses.replace(figure, name=figure.name + suffix, settings={**settings, **figure.settings})


def _sample_figures(generated: Sequence[str], train: Sequence[str], progress: Progress) -> Iterator[Figure]:
    for name, value, estimator in word_divergences(generated, train):
        yield Figure(name, value, unit="nats", estimator=estimator)
    yield _unseen(generated, train)
    for size in (1, 2):
        yield Figure(f"distinct_{size}", distinct(generated, size), unit="share", estimator=f"different {size}-grams of all")
    known = set(train)
    copies = np.mean([text in known for text in generated])
    estimator = "sentences that are in the training split word by word"
    yield Figure("copies", copies, math.sqrt(copies * (1 - copies) / len(generated)), "share", estimator)
    yield _self_bleu_figure(generated, progress)
    length = np.array([len(text.split()) for text in generated])
    yield Figure("generated_length", length.mean(), length.std() / math.sqrt(len(length)), "tokens a sentence", "ends not counted")


def _unseen(generated: Sequence[str], real: Sequence[str]) -> Figure:
    """The share of words that word_kl passes over or takes for one, though they are many."""
    there = {word for text in real for word in text.split()} - {UNKNOWN}
    words = [word for text in generated for word in text.split()]
    share = np.mean([word not in there for word in words]) if words else math.nan
    return Figure("unseen_words", share, unit="share", estimator="words that are unknown, or that real texts do not have")


def _self_bleu_figure(texts: Sequence[str], progress: Progress) -> Figure:
    some = texts[:_SELF_BLEU]
    value, signature = self_bleu(some, progress)
    estimator = f"mean BLEU of each sentence against all others: the lower the more diverse; sacrebleu {signature}"
    return Figure("self_bleu", value, unit="of 100", estimator=estimator, settings={"sentences": len(some)})


def as_read(subject: Subject, texts: Sequence[str]) -> list[str]:
    """Returns texts as the model reads them: its tokens joined by spaces, unknown words as their mark."""
    vocabulary = subject.model.modality.vocabulary  # type: ignore[attr-defined]
    starts = range(0, len(texts), _BATCH)
    parts = [vocabulary.detokenize(vocabulary.tokenize(tf.constant(texts[i : i + _BATCH])).to_tensor()) for i in starts]
    return [text.decode() for part in parts for text in part.numpy()]


def word_divergences(texts: Sequence[str], real: Sequence[str]) -> Iterator[tuple[str, float, str]]:
    """Yields name, value in nats and definition of word-level divergences between texts and real ones."""
    here, there = (collections.Counter(word for text in some for word in text.split()) for some in (texts, real))
    yield (
        "word_kl",
        _divergence(here, there),
        "sum of f log(f / f_real) over words that real texts have, f relative frequencies: DEM-VAE's definition",
    )
    known = [
        collections.Counter({word: count for word, count in some.items() if word in there and word != UNKNOWN}) for some in (here, there)
    ]
    among = "the same with relative frequencies among known words that real texts have: a divergence, never negative"
    yield "word_kl_known", _divergence(*known), among
    words = sorted(here | there)
    smoothed = [np.array([some[word] + 1.0 for word in words]) for some in (here, there)]
    p, q = (counts / counts.sum() for counts in smoothed)
    symmetric = float(np.sum((p - q) * np.log(p / q)) / 2)
    yield "word_kl_symmetric", symmetric, "mean of both directions, a count of 1 added to every word of either"


def _divergence(here: collections.Counter[str], there: collections.Counter[str]) -> float:
    """Sum of f log(f / f_there) over words of both, nats; NaN where there are none."""
    size, total = sum(here.values()), sum(there.values())
    both = [word for word in here if word in there]
    return sum(here[word] / size * math.log(here[word] / size * total / there[word]) for word in both) if both else math.nan


def distinct(texts: Sequence[str], size: int) -> float:
    """Returns the number of different n-grams over the number of all, within sentences."""
    grams = [tuple(words[i : i + size]) for text in texts if (words := text.split()) for i in range(len(words) - size + 1)]
    return len(set(grams)) / max(1, len(grams))


def self_bleu(texts: Sequence[str], progress: Progress = no_progress) -> tuple[float, str]:
    """Returns the mean sentence BLEU, exponentially smoothed, of each text against all others as references, and sacrebleu's signature."""
    metric = BLEU(tokenize="none", smooth_method="exp", effective_order=True, force=True)
    if len(texts) < 2:
        return math.nan, ""
    each = enumerate(progress("self-BLEU", texts, len(texts)))
    scores = [metric.sentence_score(text, [*texts[:i], *texts[i + 1 :]]).score for i, text in each]
    return float(np.mean(scores)), metric.get_signature().format(short=True)
