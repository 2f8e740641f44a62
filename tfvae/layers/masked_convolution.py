"""Convolutions in which a pixel sees only pixels before it, in the order of reading."""

import random
from typing import Any

import keras
import tensorflow as tf

from tfvae.layers.common import uniform_initializer

MASKS = ("A", "B")


@keras.saving.register_keras_serializable(package="tfvae")
class GatedMaskedConvolution(keras.layers.Layer):
    """One layer of a gated PixelCNN: maps v of the rows above each pixel, and maps h of what is to its left, too.

        a = down(V * [v; p]),  v' = gate(a),  gate(x) = tanh(first half of x) sigmoid(second half of x)
        h' = R [h; p] + O gate(H * [h; p] + A a)

    Each product has its bias. V and H are cut to what no mask hides: V, of size (k // 2 + 1, k), ends in the pixel's own row, H, of size
    (1, k // 2 + 1), in its own column; R, O and A are of size 1. `down` moves maps a row down, zeros coming in, so that v' is of the rows
    above. Planes p, such as functions of a latent variable, are appended to the input's maps, and are shifted with them.

    With mask "A", for the layer whose input h is the image itself, H * [h; p] moves a column to the right in the same way, and R, which
    would show the pixel, is missing.

    Args:
      filters: F, maps of v' and of h'.
      input_filters: I, maps of v and of h.
      kernel_size: k, odd.
      plane_filters: P, planes; 0: none.
      mask: "A" or "B".
      seed: of the initial weights, which are uniform with variance 1/3 over the fan-in from maps; biases are zero.

    Raises:
      ValueError: an even kernel_size or an unknown mask.

    References:
      van den Oord et al., "Conditional Image Generation with PixelCNN Decoders", 2016, sections 2.2 and 2.3, figure 2.
      van den Oord et al., "Pixel Recurrent Neural Networks", 2016, section 3.4: masks A and B.
    """

    def __init__(
        self,
        filters: int,
        *,
        input_filters: int,
        kernel_size: int = 3,
        plane_filters: int = 0,
        mask: str = "B",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size = {kernel_size}: must be odd, so that a pixel has as much to its left as to its right")
        if mask not in MASKS:
            raise ValueError(f"mask = {mask!r}: must be one of {', '.join(MASKS)}")
        self.filters, self.input_filters, self.kernel_size = filters, input_filters, kernel_size
        self.plane_filters, self.mask, self.seed = plane_filters, mask, seed
        draw, reach = random.Random(seed), kernel_size // 2
        sizes = {  # height and width, maps in, planes in, maps out
            "vertical": ((reach + 1, kernel_size), input_filters, plane_filters, 2 * filters),
            "between": ((1, 1), 2 * filters, 0, 2 * filters),
            "horizontal": ((1, reach + 1), input_filters, plane_filters, 2 * filters),
            "output": ((1, 1), filters, 0, filters),
            "residual": ((1, 1), input_filters, plane_filters, filters),
        }
        self._kernels: dict[str, list[keras.Variable]] = {}
        self._biases: dict[str, keras.Variable] = {}
        for name, (size, maps, planes, outputs) in sizes.items():
            limit = (size[0] * size[1] * maps) ** -0.5  # not of the planes too: they would move the other weights
            initializers = [uniform_initializer(limit, draw.getrandbits(31)) for _ in range(2)]
            if name == "residual" and mask == "A":
                continue
            parts = {"kernel": maps, "plane_kernel": planes}
            self._kernels[name] = [
                self.add_weight(name=f"{name}_{part}", shape=(*size, count, outputs), initializer=initializer)
                for (part, count), initializer in zip(parts.items(), initializers, strict=True)
                if count
            ]
            self._biases[name] = self.add_weight(name=f"{name}_bias", shape=(outputs,), initializer="zeros")
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def call(self, v: tf.Tensor, h: tf.Tensor, planes: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (v', h'), shape [B, H, W, F] each, from v and h, shape [B, H, W, I], and planes, shape [B, H, W, P]."""
        v, above = self.vertical(v, planes)
        return v, self.horizontal(h, above, planes)

    def vertical(self, v: tf.Tensor, planes: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Goes one layer further in the maps of the rows above.

        Args:
          v: shape [B, H, W, I].
          planes: shape [B, H, W, P].

        Returns:
          (v', shape [B, H, W, F]; A a, which `horizontal` reads, shape [B, H, W, 2F]).
        """
        reach = self.kernel_size // 2
        a = _shift(self._convolve("vertical", v, planes, [[0, 0], [reach, 0], [reach, reach], [0, 0]]), axis=1)
        return _gate(a), self._convolve("between", a)

    def horizontal(self, h: tf.Tensor, above: tf.Tensor, planes: tf.Tensor | None = None) -> tf.Tensor:
        """Goes one layer further in the maps of what is above and to the left. Rows do not see each other: any of them may be given.

        Args:
          h: shape [B, H, W, I].
          above: the second result of `vertical`, shape [B, H, W, 2F].
          planes: shape [B, H, W, P].

        Returns:
          h', shape [B, H, W, F].
        """
        left = self._convolve("horizontal", h, planes, [[0, 0], [0, 0], [self.kernel_size // 2, 0], [0, 0]])
        if self.mask == "A":
            return self._convolve("output", _gate(_shift(left, axis=2) + above))
        return self._convolve("residual", h, planes) + self._convolve("output", _gate(left + above))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("filters", "input_filters", "kernel_size", "plane_filters", "mask", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _convolve(self, name: str, maps: tf.Tensor, planes: tf.Tensor | None = None, paddings: list[list[int]] | None = None) -> tf.Tensor:
        x = maps if planes is None else tf.concat([maps, planes], -1)
        kernels = [tf.cast(kernel, self.compute_dtype) for kernel in self._kernels[name]]
        kernel = kernels[0] if planes is None else tf.concat(kernels, 2)
        # Padded here, as TensorFlow's convolutions with explicit padding take ten times as long in bfloat16 on a CPU.
        products = tf.nn.conv2d(x if paddings is None else tf.pad(x, paddings), kernel, 1, "VALID")
        return tf.nn.bias_add(products, tf.cast(self._biases[name], self.compute_dtype))


def _gate(x: tf.Tensor) -> tf.Tensor:
    signal, gate = tf.split(x, 2, -1)
    return tf.tanh(signal) * tf.sigmoid(gate)


def _shift(x: tf.Tensor, axis: int) -> tf.Tensor:
    """One place on along an axis: zeros come in, the last place goes."""
    # Cut after it is padded: TensorFlow 2.21 dies of a graph that adds what tf.pad returns to a convolution with a bias.
    x = tf.pad(x, [[int(i == axis), 0] for i in range(4)])
    return x[:, :-1] if axis == 1 else x[:, :, :-1]
