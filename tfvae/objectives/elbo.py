"""The evidence lower bound, with weights."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae.objectives.schedules import Constant, Schedule


@keras.saving.register_keras_serializable("tfvae")
class ELBO:
    """loss = reconstruction + w * [kl_weight * sum of KLs - beta * dispersion - mi_weight * mutual information] + penalties.

    In the sum, the KL of codes has a weight of its own, `code_weight`.

    A function of means over examples, so the same formula gives the loss of a batch and of a split. The defaults give the negative ELBO.
    `beta` is the paper's: the share of the dispersion term that is given back. Beyond 1 the objective would be unbounded.

    Free bits replace the mean KL of a unit by max(KL, free_bits), a unit being one variable of one KL term, one dimension of it, or all KL
    terms together ("total").

    References:
      Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 3.3.
      Kingma et al. Improving Variational Inference with Inverse Autoregressive Flow. NIPS 2016, appendix C.8 (free bits).
      Li et al. A Surprisingly Effective Fix for Deep Latent Variable Modeling of Text. EMNLP 2019, section 3.
    """

    def __init__(
        self,
        *,
        beta: float = 0.0,
        mi_weight: float = 0.0,
        kl_weight: float = 1.0,
        code_weight: float = 1.0,
        free_bits: float = 0.0,
        free_bits_per: str = "variable",
        norm_weight: float = 0.0,
        penalty_weights: Mapping[str, float] | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        """Holds the weights.

        Args:
          beta: weight of the dispersion term, in [0, 1].
          mi_weight: weight of the mutual information I(x; c), summed over variables.
          kl_weight: weight of the KL terms.
          code_weight: weight of the term "kl_c" among them.
          free_bits: nats a unit.
          free_bits_per: "variable", "dimension" or "total".
          norm_weight: weight of a spherical latent's "norm_penalty".
          penalty_weights: weights of other penalties and reliefs, by name; one that is not named counts for nothing.
          schedule: of w; constantly 1 unless given.

        Raises:
          ValueError: beta outside [0, 1] or an unknown kind of unit.
        """
        if not 0 <= beta <= 1:
            raise ValueError(f"beta = {beta}: must be in [0, 1]; beyond 1 the objective is unbounded")
        if free_bits_per not in ("variable", "dimension", "total"):
            raise ValueError(f"free_bits_per = {free_bits_per!r}: must be 'variable', 'dimension' or 'total'")
        self.beta, self.mi_weight, self.kl_weight, self.code_weight = beta, mi_weight, kl_weight, code_weight
        self.free_bits, self.free_bits_per, self.norm_weight = free_bits, free_bits_per, norm_weight
        self.penalty_weights = dict(penalty_weights or {})
        self.schedule = schedule or Constant()

    def __call__(
        self,
        reconstruction: tf.Tensor,
        kl: Mapping[str, tf.Tensor],
        relief: Mapping[str, tf.Tensor],
        weight: tf.Tensor | float = 1.0,
        *,
        penalty: Mapping[str, tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """Returns the loss, nats an example.

        Args:
          reconstruction: mean of -log p(x|z), [].
          kl: means of the KL terms, [], [J] or [J, F] each.
          relief: means of "dispersion" and "mutual_information", where the latent has them, and of what auxiliaries give back, any shape.
          weight: w.
          penalty: means of penalties, [] each, by name.
        """
        given_back = {"dispersion": self.beta, "mutual_information": self.mi_weight, **self.penalty_weights}
        regularizer = self.kl_weight * self.total_kl(kl)
        for name, share in given_back.items():
            if share and name in relief:
                regularizer -= share * tf.reduce_sum(relief[name])
        return reconstruction + tf.cast(weight, reconstruction.dtype) * regularizer + self._penalty(penalty)

    def of_examples(
        self,
        reconstruction: tf.Tensor,
        kl: Mapping[str, tf.Tensor],
        relief: Mapping[str, tf.Tensor],
        weight: tf.Tensor | float = 1.0,
        *,
        penalty: Mapping[str, tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """Returns what of the loss is an example's own, nats, [B]: without free bits and the mutual information, which are of a batch.

        Args:
          reconstruction: -log p(x|z), [B].
          kl: the KL terms, [B] each.
          relief: "dispersion" [B], where the latent has it.
          weight: w.
          penalty: penalties, [B] each, by name.
        """
        weights = {"kl_c": self.code_weight}
        regularizer = tf.zeros_like(reconstruction)
        for name, value in kl.items():
            regularizer += self.kl_weight * weights.get(name, 1.0) * value
        if self.beta and "dispersion" in relief:
            regularizer -= self.beta * relief["dispersion"]
        return reconstruction + tf.cast(weight, reconstruction.dtype) * regularizer + self._penalty(penalty)

    def _penalty(self, penalty: Mapping[str, tf.Tensor] | None) -> tf.Tensor | float:
        """The weighted sum of penalties."""
        weights = {"norm_penalty": self.norm_weight, **self.penalty_weights}
        return sum((weights.get(name, 0.0) * value for name, value in (penalty or {}).items()), 0.0)

    def total_kl(self, kl: Mapping[str, tf.Tensor]) -> tf.Tensor | float:
        """Returns the sum of KLs after free bits, []; 0 for a latent without KL terms."""
        if not kl:
            return 0.0
        if self.code_weight != 1 and "kl_c" in kl:
            kl = {**kl, "kl_c": self.code_weight * kl["kl_c"]}
        if not self.free_bits:
            return tf.add_n([tf.reduce_sum(value) for value in kl.values()])
        if self.free_bits_per == "total":
            return tf.maximum(tf.add_n([tf.reduce_sum(value) for value in kl.values()]), self.free_bits)
        per_variable = self.free_bits_per == "variable"
        units = [tf.reduce_sum(value, axis=-1) if per_variable and value.shape.rank == 2 else value for value in kl.values()]
        return tf.add_n([tf.reduce_sum(tf.maximum(value, self.free_bits)) for value in units])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("beta", "mi_weight", "kl_weight", "code_weight", "free_bits", "free_bits_per", "norm_weight", "penalty_weights")
        return {**{name: getattr(self, name) for name in names}, "schedule": keras.saving.serialize_keras_object(self.schedule)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ELBO":
        """Makes the objective from `get_config`'s answer."""
        return cls(**{**config, "schedule": keras.saving.deserialize_keras_object(config["schedule"])})
