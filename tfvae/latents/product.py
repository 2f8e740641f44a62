"""Several latents side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.latent import Latent, Params, Term


@keras.saving.register_keras_serializable("tfvae")
class ProductLatent(Latent):
    """z = [z_1, z_2, …] of independent latents; q and p are the products of theirs. Parameters are nested, by the parts' names.

    At most one part has codes, and the product's codes, variables and components are that part's. A Gaussian beside a discrete latent is
    semi-VAE.

    References:
      Kingma, Mohamed, Rezende, Welling. Semi-supervised Learning with Deep Generative Models. NIPS 2014, as the baseline semi-VAE of
      Shi et al. 2020.
    """

    def __init__(self, parts: Sequence[Latent], *, dtype: str = "float32", **kwargs: Any) -> None:
        """Puts parts with names of their own side by side, in the order of their z.

        Raises:
          ValueError: two parts have one name, or codes; or one has no density.
        """
        super().__init__(dtype=dtype, **kwargs)
        names = [part.name for part in parts]
        if len(set(names)) < len(names):
            raise ValueError(f"parts {', '.join(names)}: each needs a name of its own")
        with_codes = [part.name for part in parts if part.has_codes]
        if len(with_codes) > 1:
            raise ValueError(f"parts {' and '.join(with_codes)}: at most one may have codes")
        if points := [part.name for part in parts if not (part.has_density and part.size)]:
            raise ValueError(f"part {points[0]}: has no posterior to be joined with others")
        self.parts = list(parts)
        self.size = sum(part.size for part in parts)
        self.has_prior = all(part.has_prior for part in parts)
        self.moves_freely = np.concatenate([np.broadcast_to(part.moves_freely, part.size) for part in parts])
        self.unit_variance = np.concatenate([np.broadcast_to(part.unit_variance, part.size) for part in parts])
        coded = next((part for part in parts if part.has_codes), Latent)
        for name in ("num_variables", "num_components", "has_codes", "has_dispersion"):
            setattr(self, name, getattr(coded, name))

    def coded_part(self) -> Latent:
        """Returns the part with codes; the product itself where there is none."""
        return next((part for part in self.parts if part.has_codes), self)

    def call(self, features: tf.Tensor) -> Params:
        """Returns {name of a part: its parameters}."""
        return {part.name: part(features) for part in self.parts}

    def in_training(self, features: tf.Tensor) -> Params:
        """Returns {name of a part: its parameters in training}."""
        return {part.name: part.in_training(features) for part in self.parts}

    def annealed_temperature(self, step: tf.Tensor | None) -> tf.Tensor | None:
        """Returns the temperature of the relaxed part, if there is one."""
        return next((found for part in self.parts if (found := part.annealed_temperature(step)) is not None), None)

    def _sample_once(self, params: Params, seed: tf.Tensor, temperature: tf.Tensor | float | None) -> tf.Tensor:
        drawn = [
            part.sample(params[part.name], 1, stateless.fold(seed, i), temperature=temperature)[0] for i, part in enumerate(self.parts)
        ]
        return tf.concat(drawn, axis=-1)

    def mean(self, params: Params) -> tf.Tensor:
        """Returns E[z|x], [B, size]."""
        return tf.concat([part.mean(params[part.name]) for part in self.parts], axis=-1)

    def mode(self, params: Params) -> tf.Tensor:
        """Returns the parts' modes, [B, size]."""
        return tf.concat([part.mode(params[part.name]) for part in self.parts], axis=-1)

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points on the ways of the parts."""
        ends = zip(self.parts, self._split(start), self._split(end), strict=True)
        return tf.concat([part.interpolate(first, last, fraction) for part, first, last in ends], axis=-1)

    def terms(self, params: Params, z: tf.Tensor | None, weight: tf.Tensor) -> list[Term]:
        """Returns the parts' terms; of two with one name, the second has that of its part beside."""
        found: dict[str, Term] = {}
        for part, own in zip(self.parts, [None] * len(self.parts) if z is None else self._split(z), strict=True):
            for term in part.terms(params[part.name], own, weight):
                name = f"{term.name}_{part.name}" if term.name in found else term.name
                found[name] = Term(name, term.value, term.role, term.estimator)
        return list(found.values())

    def divergence(self, params: Params, other: Params) -> tf.Tensor:
        """Returns the sum of the parts' KL(q || q'), [B]."""
        return tf.add_n([part.divergence(params[part.name], other[part.name]) for part in self.parts])

    def log_posterior(self, params: Params, z: tf.Tensor) -> tf.Tensor:
        """Returns the sum of the parts' log q(z|x), [..., B]."""
        return tf.add_n([part.log_posterior(params[part.name], own) for part, own in zip(self.parts, self._split(z), strict=True)])

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns the sum of the parts' log p(z), [...]."""
        return tf.add_n([part.log_prior(own) for part, own in zip(self.parts, self._split(z), strict=True)])

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, size] and the codes [n, J] of the part that has some."""
        held = [component if part.has_codes else None for part in self.parts]
        drawn = [part.sample_prior(num, stateless.fold(seed, i), held[i]) for i, part in enumerate(self.parts)]
        place = next((i for i, part in enumerate(self.parts) if part.has_codes), 0)
        return tf.concat([z for z, _ in drawn], axis=-1), drawn[place][1]

    def code_columns(self, variable: int) -> slice:
        """Returns which entries of z are those of one variable of the part with codes, or all where there is none."""
        if not self.has_codes:
            return slice(0, self.size)
        place = next(i for i, part in enumerate(self.parts) if part.has_codes)
        before, own = sum(part.size for part in self.parts[:place]), self.parts[place].code_columns(variable)
        return slice(before + own.start, before + own.stop)

    def component_centres(self) -> np.ndarray:
        """Returns those of the part with codes, [J, K, D]."""
        return self.coded_part().component_centres() if self.has_codes else super().component_centres()

    def code_logits(self, params: Params) -> tf.Tensor:
        """Returns logits of q(c|x) of the part with codes, [B, J, K]."""
        coded = self.coded_part()
        return coded.code_logits(params[coded.name]) if self.has_codes else super().code_logits(params)

    def code_probabilities(self, params: Params) -> tf.Tensor:
        """Returns q(c|x) of the part with codes, [B, J, K]."""
        coded = self.coded_part()
        return coded.code_probabilities(params[coded.name]) if self.has_codes else super().code_probabilities(params)

    def log_code_probabilities(self, params: Params) -> tf.Tensor:
        """Returns log q(c|x) of the part with codes, [B, J, K]."""
        coded = self.coded_part()
        return coded.log_code_probabilities(params[coded.name]) if self.has_codes else super().log_code_probabilities(params)

    def log_mixing(self) -> tf.Tensor:
        """Returns log p(c) of the part with codes, [J, K]."""
        return self.coded_part().log_mixing() if self.has_codes else super().log_mixing()

    def statistics(self, params: Params, weight: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns those of the part with codes."""
        coded = self.coded_part()
        return coded.statistics(params[coded.name], weight) if self.has_codes else {}

    def from_statistics(self, sums: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns those of the part with codes."""
        return self.coded_part().from_statistics(sums) if self.has_codes else {}

    @property
    def prior_variables(self) -> list[keras.Variable]:
        """Those of all parts."""
        return [variable for part in self.parts for variable in part.prior_variables]

    def initialize_from(self, other: Latent) -> None:
        """Takes the weights of a product of the same parts.

        Raises:
          ValueError: it is another kind of latent, or of other parts or sizes.
        """
        names = [part.name for part in self.parts]
        if not isinstance(other, ProductLatent) or names != [part.name for part in other.parts]:
            raise ValueError(f"a product of {' and '.join(names)} begins as one of the same, and not as a {type(other).__name__}")
        for own, theirs in zip(self.parts, other.parts, strict=True):
            own.initialize_from(theirs)

    def prior_parameters(self) -> dict[str, np.ndarray]:
        """Returns those of all parts."""
        return {name: value for part in self.parts for name, value in part.prior_parameters().items()}

    def _split(self, z: tf.Tensor) -> list[tf.Tensor]:
        return tf.split(z, [part.size for part in self.parts], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        parts = [keras.saving.serialize_keras_object(part) for part in self.parts]
        return {**super().get_config(), "parts": parts, "dtype": self.compute_dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ProductLatent":
        """Makes the layer from `get_config`'s answer."""
        return cls(**{**config, "parts": [keras.saving.deserialize_keras_object(part) for part in config["parts"]]})
