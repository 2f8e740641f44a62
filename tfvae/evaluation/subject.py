"""What is evaluated: a model, a split, and one pass of the one over the other."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.config import Config
from tfvae.data.batching import TokenExamples, similar_batches
from tfvae.data.corpus import Corpus, Split
from tfvae.latents.latent import Params
from tfvae.modalities.modality import Examples
from tfvae.models.model import Model
from tfvae.progress import Progress, no_progress

_GENERATED_AT_ONCE = 2000


@dataclasses.dataclass(frozen=True)
class Posteriors:
    """The posteriors of N examples, in the split's order.

    Attributes:
      terms: "elbo" and each term of the objective, nats, [N], from one posterior sample.
      observations: words, pixels, … of each example that its likelihood is a product over, [N].
      mean: E[z|x], [N, size].
      probabilities: q(c|x), [N, J, K].
      params: unconstrained parameters, leaves [N, ...].
      z: a sample each, [N, size], another than that of `terms`.
      totals: what the model's `summarize` says of the whole split, by name.
    """

    terms: Mapping[str, np.ndarray]
    observations: np.ndarray
    mean: np.ndarray
    probabilities: np.ndarray
    params: Params
    z: np.ndarray
    totals: Mapping[str, float]

    @property
    def codes(self) -> np.ndarray:
        """The most probable components, [N, J]."""
        return self.probabilities.argmax(-1)


class Subject:
    """A trained model on one split of its corpus.

    Attributes:
      model: the model.
      config: its configuration.
      corpus: all splits.
      split: the name of the one that is evaluated.
      seed: of what the evaluation draws.
      samples: posterior samples of importance-weighted estimates.
      sentences: how many of the split's examples those are made of; 0: all.
      generated: items drawn from the prior.
      progress: shows how far a long loop is.
      word_vectors: file of those that answers are compared by; empty: they are learnt from the training split.
      edited: whether codes are the model's topics, as a person has merged them, and not its components.
    """

    def __init__(
        self,
        model: Model,
        config: Config,
        corpus: Corpus,
        split: str = "test",
        *,
        seed: int = 0,
        samples: int = 500,
        sentences: int = 1000,
        generated: int = 40_000,
        progress: Progress = no_progress,
        edited: bool = False,
        word_vectors: str = "",
    ) -> None:
        """Joins them; nothing is computed yet."""
        self.edited, self.word_vectors = edited, word_vectors
        self.model, self.config, self.corpus, self.split = model, config, corpus, split
        self.seed, self.samples, self.sentences, self.generated, self.progress = seed, samples, sentences, generated, progress
        self._drawn: dict[str, list[Any]] = {}

    @property
    def data(self) -> Split:
        """The split itself."""
        return self.corpus.split(self.split)

    @functools.cached_property
    def examples(self) -> Examples:
        """The split's items as the model reads them."""
        return self.model.modality.examples(self.data)

    @property
    def sentences_read(self) -> TokenExamples:
        """The split's examples, of a model whose examples are sentences."""
        return cast(TokenExamples, self.examples)

    @functools.cached_property
    def posteriors(self) -> Posteriors:
        """One pass over the split."""
        vae = self.model.vae
        seed = tf.constant([self.seed, 2])

        def examine(batch: Mapping[str, Any]) -> tuple[dict[str, tf.Tensor], Params]:
            outputs, params, sums = vae.examine(batch, self.seed)
            vae.totals.add(sums)
            z = vae.latent.sample(params, 1, stateless.rows(seed, batch["index"]))[0]
            return {**outputs, "observations": vae.decoder.num_observations(batch), "z": z, "index": batch["index"]}, params

        vae.totals.reset_state()
        parts = []
        for outputs, params in self.over_batches("posteriors", examine):
            parts.append(tf.nest.map_structure(lambda leaf: leaf.numpy(), (outputs, params)))
        totals = vae.summarize(vae.totals.result())
        order = np.argsort(np.concatenate([outputs["index"] for outputs, _ in parts]))
        outputs, params = tf.nest.map_structure(lambda *leaves: np.concatenate(leaves)[order], *parts)
        taken = ("observations", "z_mean", "code_probabilities", "z")
        observations, mean, probabilities, z = (outputs.pop(name) for name in taken)
        del outputs["index"]
        if self.edited:
            probabilities = self.model.topics.merged(probabilities)
        return Posteriors(
            outputs,
            observations,
            mean,
            probabilities,
            params,
            z,
            {name: float(value) for name, value in totals.items()},
        )

    @functools.cached_property
    def limits(self) -> dict[str, Any]:
        """Fields of `Decoding` that bound what is written: nothing is longer than the longest training item."""
        ordered = self.model.vae.decoder.ordered
        return {"max_length": self.model.modality.longest(self.corpus.train)} if ordered else {}

    @property
    def decodings(self) -> dict[str, str]:
        """How items are made of what is drawn from the prior: the suffix of figures' names, and the method.

        Words are sampled, which shows the model's own distribution, and where there is a z also taken greedily, as the papers do: then all
        differences between sentences come from z.
        """
        return {"": "sample"} | ({"_greedy": "greedy"} if self.model.vae.latent.size else {})

    def from_prior(self, count: int, method: str = "sample") -> list[Any]:
        """Returns items drawn from the prior; the unknown word may be in them. Those drawn before are not drawn again."""
        drawn = self._drawn.setdefault(method, [])
        starts = range(len(drawn), count, _GENERATED_AT_ONCE)
        for start in self.progress(f"{count:,} {self.model.modality.item}s from the prior, {method}", starts, len(starts)):
            some = min(_GENERATED_AT_ONCE, count - start)
            drawn += list(self.model.generate(some, seed=self.seed, start=start, unknown=True, method=method, **self.limits)[0])
        return drawn[:count]

    def over_batches(self, description: str, function: Callable[..., Any], index: np.ndarray | None = None) -> Iterator[Any]:
        """Yields what a function, made a graph, returns for each batch of the split, or of the examples that `index` names.

        Batches of long ones have fewer of them, so that memory does not grow with their length.
        """
        index = np.arange(len(self.examples)) if index is None else index
        batches = list(similar_batches(self.examples.cost[index], self.config.data.eval_batch_size))
        graph = tf.function(function, reduce_retracing=True, autograph=False)
        for batch in self.progress(description, batches, len(batches)):
            yield graph(self.examples.batch(index[batch]))

    def choose(self, count: int) -> np.ndarray:
        """Returns the numbers of `count` of the split's examples, drawn by the seed; of all where there are fewer or count is 0."""
        if not 0 < count < len(self.examples):
            return np.arange(len(self.examples))
        return np.sort(np.random.default_rng(self.seed).permutation(len(self.examples))[:count])
