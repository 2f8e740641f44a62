"""Stacks of dense layers, which may read z beside their input."""

import random
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfvae")
class Perceptron(keras.layers.Layer):
    """h_l = act(W_l h_(l-1) + U_l z + b_l) for l = 1, …, L; only layers that read z have a U_l.

    Without layers, it is the identity.

    Args:
      input_dim: size of h_0; 0: there is none, and the first layer is a function of z alone.
      units: of each layer.
      num_layers: L.
      activation: a name of Keras's.
      z_dim: Z; 0: no layer reads z.
      z_layers: how many layers read z, from the first on; the others do not.
      seed: of the initial weights: Glorot-uniform, biases zero.

    References:
      Dieng et al., "Avoiding Latent Variable Collapse With Generative Skip Models", 2019, section 3: layers that read z.
    """

    def __init__(
        self,
        input_dim: int,
        *,
        units: int,
        num_layers: int,
        activation: str,
        z_dim: int = 0,
        z_layers: int = 0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim, self.units, self.num_layers, self.activation = input_dim, units, num_layers, activation
        self.z_dim, self.z_layers, self.seed = z_dim, z_layers, seed
        self._activate = keras.activations.get(activation)
        draw = random.Random(seed)
        self.layers: list[AffineOfTwo] = []
        for layer in range(num_layers):
            own = {"seed": draw.getrandbits(31), "name": f"layer_{layer}", "dtype": self.dtype_policy}
            size = units if layer else input_dim
            self.layers.append(AffineOfTwo(units, input_dim=size, z_dim=z_dim if layer < z_layers else 0, **own))
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    @property
    def output_dim(self) -> int:
        """Size of the last layer, or of the input where there is none."""
        return self.units if self.num_layers else self.input_dim

    def call(self, x: tf.Tensor | None, z: tf.Tensor | None = None) -> tf.Tensor:
        """Returns h_L from h_0 and z.

        Args:
          x: h_0, shape [..., input_dim]; None where input_dim is 0.
          z: shape [..., Z]; None where no layer reads it and there is an h_0.

        Returns:
          h_L, shape [..., units], in the compute dtype.
        """
        for layer in self.layers:
            x = self._activate(layer(x, z))
        return x

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("input_dim", "units", "num_layers", "activation", "z_dim", "z_layers", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="tfvae")
class AffineOfTwo(keras.layers.Layer):
    """W x + U z + b.

    Args:
      units: of the output.
      input_dim: size of x; 0: there is none.
      z_dim: size of z; 0: it is not read.
      seed: of W and U, each Glorot-uniform by a seed of its own; b is zero.
    """

    def __init__(self, units: int, *, input_dim: int, z_dim: int = 0, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.input_dim, self.z_dim, self.seed = units, input_dim, z_dim, seed
        draw = random.Random(seed)
        seeds = [draw.getrandbits(31) for _ in range(2)]
        make = keras.initializers.GlorotUniform
        self.kernel = self.add_weight(name="kernel", shape=(input_dim, units), initializer=make(seeds[0])) if input_dim else None
        self.z_kernel = self.add_weight(name="z_kernel", shape=(z_dim, units), initializer=make(seeds[1])) if z_dim else None
        self.bias = self.add_weight(name="bias", shape=(units,), initializer="zeros")
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def call(self, x: tf.Tensor | None, z: tf.Tensor | None = None) -> tf.Tensor:
        """Returns W x + U z + b.

        Args:
          x: shape [..., input_dim]; None where input_dim is 0.
          z: shape [..., Z], its leading axes those of x or what broadcasts with them; None where it is not read and there is an x.

        Returns:
          the sum, shape [..., units], in the compute dtype: b alone where there is nothing to read.
        """
        bias = tf.cast(self.bias, self.compute_dtype)
        pairs = [(x, self.kernel), (z, self.z_kernel)]
        products = [_times(value, kernel, self.compute_dtype) for value, kernel in pairs if kernel is not None]
        if products:
            return sum(products[1:], products[0]) + bias
        leading = tf.shape(z if x is None else x)[:-1]
        return tf.broadcast_to(bias, tf.concat([leading, [self.units]], 0))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), **{name: getattr(self, name) for name in ("units", "input_dim", "z_dim", "seed")}}


def _times(value: tf.Tensor, kernel: Any, dtype: str) -> tf.Tensor:
    return tf.tensordot(tf.cast(value, dtype), tf.cast(kernel, dtype), 1)
