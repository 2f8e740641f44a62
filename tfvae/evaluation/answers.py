"""How good answers in conversations are: against the true ones, and by whether they say what their code is.

References:
  Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.3.
  Zhao, Lee, Eskenazi. Unsupervised Discrete Sentence Representation Learning for Interpretable Neural Dialog Generation. ACL 2018.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.evaluation.figure import Figure, mean_figure
from tfvae.evaluation.generation import as_read, corpus_bleu, distinct
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.word_similarity import Vectors, learned_vectors, similarities
from tfvae.latents.relaxation import gumbel
from tfvae.modalities.turns import contexts_of
from tfvae.training.word_vectors import read_vectors

_SAMPLES = 10  # of code and z an answer


def answers(subject: Subject) -> Iterator[Figure]:
    """Yields the figures of greedy answers to what was said before each turn of the split, codes chosen by the policy or held."""
    items, model = list(subject.data.items), subject.model
    written, codes, probabilities = answered(subject, items)
    references = as_read(subject, items)
    settings = {"answers": len(items), "seed": subject.seed}
    how = "greedy answers, the policy's most probable codes, z drawn from their components"
    score, error, signature = corpus_bleu(written, references)
    yield Figure("answer_bleu", score, error, "of 100", f"{how}; sacrebleu {signature}", settings)
    vectors, origin = _vectors(subject, references)
    scores, known = similarities(written, references, vectors)
    for name, values in scores.items():
        if not len(values):
            yield Figure(f"answer_{name}", None, estimator=f"no answer and its true one have words that are among {origin}")
            continue
        more = {"unit": "of 100", "estimator": f"cosines of {origin}; {how}", "settings": {**settings, "pairs": known}}
        yield mean_figure(f"answer_{name}", 100 * values, **more)
    for size in (1, 2):
        yield Figure(
            f"answer_distinct_{size}", distinct(written, size), unit="share", estimator=f"different {size}-grams of all", settings=settings
        )
    yield _perplexity(subject)
    true = np.argmax(model.topics.merged(subject.posteriors.probabilities), axis=-1)
    told = "share of variables whose"
    estimator = f"{told} most probable code, of the policy, is that of the true answer"
    yield share("policy_accuracy", probabilities.argmax(-1) == true, estimator, settings)
    estimator = f"{told} code, of the answer encoded again, is the one chosen"
    yield share("code_consistency", _codes(subject, written) == codes, estimator, settings)
    held = _held(subject, len(items))
    written, _, _ = answered(subject, items, held)
    estimator = "the same of codes that are held, of one variable an answer, drawn evenly"
    yield share("held_consistency", (_codes(subject, written) == held)[held >= 0], estimator, settings)


def answered(subject: Subject, items: Sequence[str], held: np.ndarray | None = None) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Returns greedy answers to what was said before N items, and their codes, as the policy's probabilities, of topics.

    Args:
      subject: a model that answers, on a split; the unknown word may be in what it writes.
      items: turns.
      held: topics, int [N, J], -1 where the policy chooses; None: it chooses all.

    Returns:
      N texts, int [N, J] and [N, J, K].
    """
    decoding = subject.model.decoding(method="greedy", unknown=True, **subject.limits)
    contexts = [contexts_of(item) for item in items]
    held = subject.model.held(None, len(items)) if held is None else held
    return subject.model.responder(contexts, held, subject.seed, 0, decoding)


def _codes(subject: Subject, texts: Sequence[str]) -> np.ndarray:
    return subject.model.posteriors(texts)["codes"]


def _held(subject: Subject, count: int) -> np.ndarray:
    """A topic of one variable for each answer, both drawn, int32 [count, J], -1 for the other variables."""
    topics = subject.model.topics
    draw = np.random.default_rng(subject.seed)
    held = subject.model.held(None, count).copy()
    for row, variable in enumerate(draw.integers(0, held.shape[1], count)):
        held[row, variable] = draw.choice(topics.numbers(int(variable)))
    return held


def _perplexity(subject: Subject) -> Figure:
    """That of true answers: log 1/S sum p(x|z_s, context) with codes and z that were drawn, not inferred."""
    model, vae = subject.model, subject.model.vae
    policy = model.responder.policy

    def score(batch: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        batch = vae.decoder.prepare(batch)
        logits, drawn = policy.logits(batch["summary"]), []
        seed = stateless.rows(tf.constant([subject.seed, 3]), batch["index"])
        for sample in range(_SAMPLES):
            own = stateless.fold(seed, sample)
            noise = stateless.uniform([tf.shape(own)[0], *logits.shape[1:]], stateless.fold(own, 0))
            codes = tf.argmax(logits + gumbel(noise), axis=-1, output_type=tf.int32)
            drawn.append(vae.latent.sample_prior(tf.shape(own)[0], stateless.fold(own, 1), codes)[0])
        log_prob = tf.cast(vae.decoder.log_prob(batch, tf.stack(drawn)), tf.float64)
        total = tf.reduce_logsumexp(log_prob, axis=0) - math.log(_SAMPLES)
        return {"total": total, "tokens": vae.decoder.num_observations(batch)}

    parts = list(subject.over_batches("perplexity of answers", score))
    total, tokens = (sum(float(tf.reduce_sum(part[name])) for part in parts) for name in ("total", "tokens"))
    return Figure(
        "answer_perplexity",
        math.exp(-total / tokens),
        unit="a token",
        estimator="exp of -log 1/S sum p(x|z, context) a token, codes drawn from the policy and z from them: an upper bound; ends counted",
        settings={"samples": _SAMPLES, "tokens": int(tokens), "seed": subject.seed},
    )


def _vectors(subject: Subject, references: Sequence[str]) -> tuple[Vectors, str]:
    """Vectors of words, and where they are from."""
    if not subject.word_vectors:
        train = as_read(subject, subject.corpus.train.items)
        return learned_vectors(train, subject.seed), "vectors learnt from the training split (pointwise mutual information)"
    wanted = {word for text in references for word in text.split()} | set(subject.model.modality.vocabulary.words)  # type: ignore[attr-defined]
    found = {word: vector for word, vector in read_vectors(subject.word_vectors, "check --word_vectors") if word in wanted}
    return found, f"vectors of {subject.word_vectors}"


def share(name: str, right: np.ndarray, estimator: str, settings: Mapping[str, Any]) -> Figure:
    """Returns the mean of what is right, bool [N] or [N, ...], of N answers, with its standard error over them."""
    values = right.reshape(len(right), -1).mean(axis=1)
    return mean_figure(name, values, unit="share", estimator=estimator, settings=settings)
