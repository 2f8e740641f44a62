"""The variational auto-encoder: parts and an objective."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import replicas, stateless
from tfvae.auxiliaries.auxiliary import Auxiliary
from tfvae.decoders.decoder import Decoder
from tfvae.encoders.encoder import Encoder
from tfvae.inference.amortized import Amortized
from tfvae.inference.inference import Inference
from tfvae.latents.latent import Latent, Params, Term, weighted_sum
from tfvae.models.replicated import Replicated
from tfvae.models.totals import Totals
from tfvae.objectives.elbo import ELBO

Batch = Mapping[str, Any]

_ROLES = ("reconstruction", "kl", "relief", "penalty", "diagnostic")
_POSTERIOR, _ENCODER_DROPOUT, _DECODER_DROPOUT, _AUXILIARY = range(4)  # streams of one step's seed
_ENCODER_ALONE = 3  # stream of the seed of updates of the encoder alone


@keras.saving.register_keras_serializable("tfvae")
class VAE(Replicated):
    """encoder -> latent -> decoder, trained on an ELBO.

    `infer` finds posterior parameters, `evaluate_posterior` scores them, wherever they come from; `call`, `train_step` and `test_step` are
    thin over the two. All noise is a function of (seed, step), in evaluation of (seed, the example's index), so that scores do not depend
    on batching.

    Attributes:
      step: updates made, a saved variable; those of the encoder alone are not counted.
      totals: sums over what the epoch, or the evaluation, has seen.
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        latent: Latent,
        decoder: Decoder,
        objective: ELBO,
        inference: Inference | None = None,
        auxiliaries: Sequence[Auxiliary] = (),
        seed: int = 0,
        num_samples: int = 1,
        clip_norm: float = 0.0,
        aggressive: bool = False,
        noise: str = "batch",
        **kwargs: Any,
    ) -> None:
        """Puts parts together.

        Args:
          encoder: batch -> features [B, F].
          latent: features -> q(z|x), and the prior.
          decoder: log p(x|z).
          objective: of training.
          inference: from a batch to posterior parameters; None: the encoder's own.
          auxiliaries: losses beside the bound.
          seed: of all noise.
          num_samples: S, posterior samples an example in training.
          clip_norm: global gradient norm above which gradients are scaled down; 0 for none.
          aggressive: whether `train_step` leaves the encoder to `encoder_step`, until `end_aggressive`.
          noise: what training's is a function of beside seed and step: "batch", examples as they are put together, or "example", the
            number of each, so that it does not depend on those beside it, nor on how many replicas share a batch.
          **kwargs: of keras.Model.

        Raises:
          ValueError: there is no such noise.
        """
        super().__init__(**kwargs)
        if noise not in ("batch", "example"):
            raise ValueError(f"noise = {noise!r}: must be 'batch' or 'example'")
        self.noise = noise
        self.encoder, self.latent, self.decoder, self.objective = encoder, latent, decoder, objective
        self.inference, self.auxiliaries = inference or Amortized(), list(auxiliaries)
        self.seed, self.num_samples, self.clip_norm = seed, num_samples, clip_norm
        shared: dict[str, Any] = {"shape": (), "trainable": False, "aggregation": "only_first_replica"}  # all replicas make the same steps
        self.step = self.add_weight(dtype="int64", initializer="zeros", name="step", **shared)
        self.aggressive: keras.Variable | None = None
        if aggressive:
            self.aggressive = self.add_weight(dtype="bool", initializer="ones", name="aggressive", **shared)
        self.built = True
        self.totals = Totals()
        read: Batch = {name: value for auxiliary in self.auxiliaries for name, value in auxiliary.example().items()}
        batch = _complete({**read, **self.inference.example(), **self.encoder.example(), **self.decoder.example()})
        params = self.inference.first_word(self, batch)
        self.totals.reserve(self._sums(batch, params, self.evaluate_posterior(batch, params, seed=self._evaluation_seed(batch, None))[1]))

    def build(self, input_shape: Any = None) -> None:
        """Does nothing: the parts come built."""
        self.built = True

    @property
    def encoder_variables(self) -> list[keras.Variable]:
        """Trainable variables of q(z, c|x): the encoder's and the posterior heads of the latent."""
        return [variable for variable in self.trainable_variables if not self._is_generative(variable)]

    @property
    def generative_variables(self) -> list[keras.Variable]:
        """Trainable variables of p(x, z, c), the decoder's and the prior's, and of auxiliary losses."""
        return [variable for variable in self.trainable_variables if self._is_generative(variable)]

    def _is_generative(self, variable: keras.Variable) -> bool:
        own = [*self.decoder.trainable_variables, *self.latent.prior_variables]
        own += [variable for auxiliary in self.auxiliaries for variable in auxiliary.trainable_variables]
        return any(variable is candidate for candidate in own)

    def encode(self, batch: Batch, seed: tf.Tensor | None = None) -> Params:
        """Returns the posterior's unconstrained parameters; `seed` is of dropout, None outside training."""
        return self.infer(batch, seed)[0]

    def infer(self, batch: Batch, seed: tf.Tensor | None = None) -> tuple[Params, tf.Tensor | None]:
        """Returns what `encode` returns, and a surrogate [] to be added to the objective that is differentiated, None for none."""
        return self.inference(self, batch, seed=seed)

    def evaluate_posterior(
        self, batch: Batch, params: Params, *, seed: tf.Tensor, step: tf.Tensor | None = None, num_samples: int = 1, training: bool = False
    ) -> tuple[tf.Tensor, list[Term]]:
        """Scores a batch under given posterior parameters.

        Args:
          batch: the examples.
          params: unconstrained, as from `encode`.
          seed: int32 [2], or [B, 2] one a row.
          step: that sets the weight w of the regularisers; None for w = 1.
          num_samples: S.
          training: whether parts drop units and the like.

        Returns:
          the objective [], nats an example, of the whole batch where replicas share it, and all terms, the reconstruction first.
        """
        batch = self.decoder.prepare(batch, stateless.fold(seed, _DECODER_DROPOUT) if training else None)
        temperature = self.latent.annealed_temperature(step) if training else None
        z, terms = self._terms(batch, params, seed, num_samples, temperature, training=training)
        auxiliary_seed = stateless.fold(seed, _AUXILIARY) if training and self.auxiliaries else None
        for auxiliary in self.auxiliaries:
            terms += auxiliary.terms(self, batch, params, z, auxiliary_seed)
        weight = 1.0 if step is None else self.objective.schedule(step)
        return self._loss(self._means(replicas.total(self._sums(batch, params, terms))), weight), terms

    def own_losses(
        self, batch: Batch, params: Params, *, seed: tf.Tensor, step: tf.Tensor | None = None, num_samples: int = 1, training: bool = False
    ) -> tf.Tensor:
        """Returns what each example adds to the objective by itself, [B], nats: what its posterior can be refined by.

        Samples are relaxed where the latent's are in training, since steps need a gradient through them.

        Args:
          batch: the examples.
          params: unconstrained, as from `encode`.
          seed: as of `evaluate_posterior`.
          step: that sets the weight w of the regularisers; None: the loss is minus the lower bound.
          num_samples: S.
          training: whether parts drop units and the like.
        """
        batch = self.decoder.prepare(batch, stateless.fold(seed, _DECODER_DROPOUT) if training else None)
        temperature = self.latent.annealed_temperature(self.step.value if step is None else step)
        _, terms = self._terms(batch, params, seed, num_samples, temperature, training=training)
        if step is None:
            return -_elbo(terms)
        values: dict[str, dict[str, tf.Tensor]] = {role: {} for role in _ROLES}
        for term in terms:
            values[term.role][term.name] = _by_example(term)
        reconstruction = values["reconstruction"]["reconstruction"]
        weight = self.objective.schedule(step)
        return self.objective.of_examples(reconstruction, values["kl"], values["relief"], weight, penalty=values["penalty"])

    def _terms(
        self, batch: Batch, params: Params, seed: tf.Tensor, num_samples: int, temperature: tf.Tensor | None, *, training: bool
    ) -> tuple[tf.Tensor, list[Term]]:
        """Samples z [S, B, size], and the terms of reconstruction and latent, of a batch that the decoder has prepared."""
        z = self.latent.sample(params, num_samples, stateless.fold(seed, _POSTERIOR), temperature=temperature)
        dropout_seed = stateless.fold(seed, _DECODER_DROPOUT) if training else None
        log_likelihood = tf.reduce_mean(self.decoder.log_prob(batch, z, seed=dropout_seed), axis=0)
        reconstruction = Term("reconstruction", -log_likelihood, "reconstruction", "monte_carlo")
        return z, [reconstruction, *self.latent.terms(params, z, batch.get("weight", tf.ones_like(log_likelihood)))]

    def call(self, batch: Batch, training: bool = False) -> dict[str, tf.Tensor]:
        """Returns "elbo" and each term, [B], of one posterior sample an example, "z_mean" [B, size] and "code_probabilities" [B, J, K]."""
        return self.examine(batch)[0]

    def examine(self, batch: Batch, seed: int | None = None) -> tuple[dict[str, tf.Tensor], Params, dict[str, tf.Tensor]]:
        """Scores a batch once for all that an evaluation wants of it.

        Args:
          batch: the examples; their noise depends on the seed and their "index".
          seed: of that noise; None: the model's.

        Returns:
          what `call` returns; the posterior's unconstrained parameters; and the sums over examples that `totals` adds up.
        """
        batch, params, terms = self._score(batch, seed)
        by_example = {"elbo": _elbo(terms)} | {term.name: _by_example(term) for term in terms}
        by_example |= {"z_mean": self.latent.mean(params), "code_probabilities": self.latent.code_probabilities(params)}
        return by_example, params, self._sums(batch, params, terms)

    def score(self, batch: Batch, num_samples: int) -> dict[str, tf.Tensor]:
        """Returns "elbo" [B], of one posterior sample, and, where there are densities, "log_likelihood" [B]: see that method; nats."""
        batch, params, terms = self._score(batch)
        answer = {"elbo": _elbo(terms)}
        if self.latent.has_density:
            answer["log_likelihood"] = self.log_likelihood(batch, num_samples, params=params)
        return answer

    def log_likelihood(
        self, batch: Batch, num_samples: int, *, params: Params | None = None, seed: int | None = None, samples_at_once: int = 20
    ) -> tf.Tensor:
        """Returns the importance-weighted estimate of log p(x), log 1/S sum_s p(x|z_s) p(z_s) / q(z_s|x) with z_s ~ q(z|x).

        Its expectation is a lower bound that rises with S to log p(x); S = 1 is the ELBO's, with the codes summed out.

        Args:
          batch: the examples; their noise depends on the seed and their "index".
          num_samples: S.
          params: unconstrained, as from `encode`; None: those of the batch.
          seed: of that noise; None: the model's.
          samples_at_once: how many are in memory at a time; the answer does not depend on it.

        Returns:
          nats, [B], float64.

        Raises:
          ValueError: q(z|x) or p(z) has no density.

        References:
          Burda, Grosse, Salakhutdinov. Importance Weighted Autoencoders. ICLR 2016, equation 8.
        """
        if not self.latent.has_density:
            raise ValueError(f"{type(self.latent).__name__} has no density, so there is no likelihood to estimate")
        if not self.latent.size:
            num_samples = 1  # all would be the same
        batch = _complete(batch)
        params = self.encode(batch) if params is None else params
        batch = self.decoder.prepare(batch)
        noise = self._evaluation_seed(batch, seed)

        def log_sum(start: Any, count: int) -> tf.Tensor:
            """Log of the sum of `count` samples' weights, [B]."""
            z = self.latent.sample(params, count, stateless.fold(noise, _POSTERIOR), start=start)
            log_weight = self.decoder.log_prob(batch, z) + self.latent.log_prior(z) - self.latent.log_posterior(params, z)
            return tf.reduce_logsumexp(tf.cast(log_weight, tf.float64), axis=0)

        rounds, rest = divmod(num_samples, samples_at_once)
        total = log_sum(0, rest) if rest else tf.fill(tf.shape(batch["index"]), tf.constant(-math.inf, tf.float64))

        def body(i: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return i + 1, tfp.math.log_add_exp(total, log_sum(rest + i * samples_at_once, samples_at_once))

        if rounds:
            shapes = (tf.TensorShape([]), tf.TensorShape([None]))
            _, total = tf.while_loop(lambda i, _: i < rounds, body, (0, total), shapes, parallel_iterations=1)
        return total - math.log(num_samples)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Makes one update and returns the means over the epoch so far: `loss` is the objective at each step's w, `w` the latest."""
        batch = _unpack(data)
        variables = self.trainable_variables
        loss, sums, gradients = self._differentiate(batch, tf.constant([self.seed, 0]), variables)
        weight = self.objective.schedule(self.step.value)
        if self.aggressive is None:
            norm = self._apply(gradients, variables)
        else:
            own = [(gradient, variable) for gradient, variable in zip(gradients, variables, strict=True) if self._is_generative(variable)]
            rest = lambda: self._apply(*map(list, zip(*own, strict=True)))  # noqa: E731
            norm = tf.cond(self.aggressive.value, rest, lambda: self._apply(gradients, variables))
        self.step.assign_add(1)
        totals = self.totals.add({**sums, "loss": loss * sums["weight"], "gradient_norm": norm, "updates": tf.constant(1.0)})
        means = {"loss": totals["loss"] / totals["weight"], "gradient_norm": totals["gradient_norm"] / totals["updates"]}
        return {**self.summarize(totals), **means, "w": weight}

    def encoder_step(self, data: Any, number: tf.Tensor) -> tf.Tensor:
        """Updates `encoder_variables` alone and returns the loss [] at the step's w; `number` tells such updates within a step apart."""
        seed = stateless.fold(tf.constant([self.seed, _ENCODER_ALONE]), number)
        loss, _, gradients = self._differentiate(_unpack(data), seed, self.encoder_variables)
        self._apply(gradients, self.encoder_variables)
        return loss

    def end_aggressive(self) -> None:
        """From now on, `train_step` updates all variables."""
        if self.aggressive is not None:
            self.aggressive.assign(False)

    def _differentiate(
        self, batch: Batch, seed: tf.Tensor, variables: list[keras.Variable]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor], list[Any]]:
        """The objective, sums over examples, and gradients, of noise that depends on a seed and the step; of all replicas together."""
        step = self.step.value
        by_example = self.noise == "example"
        seed = stateless.fold(seed, tf.cast(step, tf.int32) if by_example else step)
        if by_example:
            seed = stateless.rows(seed, batch["index"])
        with tf.GradientTape() as tape:
            # an encoder that does not learn reads examples as it does outside training
            params, surrogate = self.infer(batch, stateless.fold(seed, _ENCODER_DROPOUT) if self.encoder.trainable else None)
            loss, terms = self.evaluate_posterior(batch, params, seed=seed, step=step, num_samples=self.num_samples, training=True)
            differentiated = loss if surrogate is None else loss + replicas.share(surrogate, batch["weight"])
        gradients = replicas.sum_gradients(tape.gradient(differentiated, variables))
        return loss, replicas.summed(self._sums(batch, params, terms)), gradients

    def _apply(self, gradients: list[Any], variables: list[keras.Variable]) -> tf.Tensor:
        """Updates variables by gradients, scaled down to `clip_norm`, and returns their norm before that."""
        if not self.optimizer.built:
            with tf.init_scope():
                self.optimizer.build(self.trainable_variables)  # all, of which these may be some
        norm = tf.linalg.global_norm(gradients)
        if self.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.clip_norm, use_norm=norm)
        self.optimizer.apply(gradients, variables)
        return norm

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Adds a batch to the totals and returns what they say, with w = 1."""
        return self.summarize(self.totals.add(replicas.summed(self._sums(*self._score(_unpack(data))))))

    def _score(self, batch: Batch, seed: int | None = None) -> tuple[Batch, Params, list[Term]]:
        batch = _complete(batch)
        params = self.encode(batch)
        _, terms = self.evaluate_posterior(batch, params, seed=self._evaluation_seed(batch, seed))
        return batch, params, terms

    def _evaluation_seed(self, batch: Batch, seed: int | None) -> tf.Tensor:
        """A seed a row, [B, 2], that depends on the example and not on its batch."""
        return stateless.rows(tf.constant([self.seed if seed is None else seed, 1]), batch["index"])

    def _sums(self, batch: Batch, params: Params, terms: list[Term]) -> dict[str, tf.Tensor]:
        """Everything that is logged, as sums over examples."""
        weight = batch["weight"]
        sums = {"weight": tf.reduce_sum(weight), "observations": weighted_sum(weight, self.decoder.num_observations(batch))}
        sums |= {f"{term.role}/{term.name}": weighted_sum(weight, term.value) for term in terms}
        return sums | {f"latent/{name}": value for name, value in self.latent.statistics(params, weight).items()}

    def _means(self, sums: Mapping[str, tf.Tensor]) -> dict[str, dict[str, tf.Tensor]]:
        """Means over examples by role and name; what the aggregate posterior determines is under "aggregate"."""
        means: dict[str, dict[str, tf.Tensor]] = {role: {} for role in (*_ROLES, "latent")}
        for key, value in sums.items():
            role, _, name = key.partition("/")
            if role in means and name:
                means[role][name] = value if role == "latent" else value / tf.cast(sums["weight"], value.dtype)
        means["aggregate"] = self.latent.from_statistics(means.pop("latent"))
        return means

    def _loss(self, means: Mapping[str, Mapping[str, tf.Tensor]], weight: tf.Tensor | float) -> tf.Tensor:
        aggregate = means["aggregate"]
        relief = {**means["relief"], **{name: aggregate[name] for name in ("mutual_information",) if name in aggregate}}
        return self.objective(means["reconstruction"]["reconstruction"], means["kl"], relief, weight, penalty=means["penalty"])

    def summarize(self, sums: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns scalars by name, from sums over examples: nats an example, summed over variables and dimensions.

        `loss` is the objective at w = 1, `elbo` the true lower bound, the decoder's `rate` that an observation, `mutual_information` and
        `aggregate_kl_c` those of the aggregate posterior of the examples summed over, `active_components` the mean over variables of
        exp(H(q(c_j))).
        """
        means = self._means(sums)
        aggregate = means.pop("aggregate")
        scalars = {name: tf.reduce_sum(value) for role in means.values() for name, value in role.items()}
        bound = scalars["reconstruction"] + sum(tf.reduce_sum(value) for value in means["kl"].values())
        scalars["loss"] = self._loss({**means, "aggregate": aggregate}, 1.0)
        scalars["elbo"] = -bound
        scalars[self.decoder.rate.name] = self.decoder.rate.value(bound * tf.cast(sums["weight"] / sums["observations"], bound.dtype))
        scalars |= {name: tf.reduce_sum(value) for name, value in aggregate.items() if name != "component_use"}
        if "component_use" in aggregate:
            use = aggregate["component_use"]
            scalars["active_components"] = tf.reduce_mean(tf.exp(-tf.reduce_sum(tf.math.xlogy(use, use), axis=-1)))
        return scalars

    def aggregates(self) -> dict[str, tf.Tensor]:
        """Returns what the aggregate posterior of the latest pass determines, a value each variable: see the latent's `from_statistics`."""
        return self._means(self.totals.result())["aggregate"]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The totals alone: they are what an epoch resets."""
        return [self.totals]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in _PARTS}
        parts["auxiliaries"] = [keras.saving.serialize_keras_object(auxiliary) for auxiliary in self.auxiliaries]
        own = {name: getattr(self, name) for name in ("seed", "num_samples", "clip_norm", "noise", "name")}
        return {**parts, **own, "aggressive": self.aggressive is not None}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "VAE":
        """Makes the model from `get_config`'s answer."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in _PARTS}
        parts["auxiliaries"] = [keras.saving.deserialize_keras_object(auxiliary) for auxiliary in config["auxiliaries"]]
        return cls(**{**config, **parts})


def _unpack(data: Any) -> Batch:
    """Returns the batch from what Keras hands a step: the batch, or (batch, no target, sample weights [B] that multiply the batch's)."""
    batch, _, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    return batch if sample_weight is None else {**batch, "weight": batch["weight"] * tf.cast(sample_weight, tf.float32)}


def _by_example(term: Term) -> tf.Tensor:
    """A term summed over variables and dimensions, [B]."""
    return tf.reduce_sum(term.value, axis=list(range(1, term.value.shape.rank)))


def _elbo(terms: list[Term]) -> tf.Tensor:
    """The lower bound on log p(x) of each example, [B]."""
    return -tf.add_n([_by_example(term) for term in terms if term.role in ("reconstruction", "kl")])


def _complete(batch: Batch) -> Batch:
    """Adds what a batch of bare examples has not."""
    count = tf.shape(tf.nest.flatten(batch)[0])[0]
    return {"weight": tf.ones([count]), "index": tf.range(count), **batch}


_PARTS = ("encoder", "latent", "decoder", "objective", "inference")
