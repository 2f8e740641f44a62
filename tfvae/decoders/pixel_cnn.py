"""Images of black and white, pixel by pixel."""

import random
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.decoders.decoder import Batch, check_z_to_inputs
from tfvae.decoders.pixels import PixelDecoder
from tfvae.generation.decoding import Decoding
from tfvae.layers.common import widen
from tfvae.layers.masked_convolution import GatedMaskedConvolution


@keras.saving.register_keras_serializable(package="tfvae")
class PixelCNNDecoder(PixelDecoder):
    """Gated PixelCNN: a pixel is Bernoulli given the pixels above it and to its left, and z.

        log p(x|z) = sum_i x_i log s(l_i) + (1 - x_i) log s(-l_i),  l_i = w h_i(x_1, ..., x_(i-1), z) + b + (U z + c)_i,  s the sigmoid

    A layer that reads z has planes of its own, linear functions of z, beside its input's maps.

    Args:
      height: H of an image.
      width: W.
      z_dim: Z; 0: no z, whatever the switches say.
      filters: F, maps of every layer.
      kernel_size: k, odd; or as many of them as there are layers.
      num_layers: gated layers.
      latent_filters: planes of each layer that reads z.
      z_to_inputs: the layers that read z: "none", "first" or "all".
      z_to_output: z enters the logits, U z + c.
      seed: of the initial weights.

    Raises:
      ValueError: an even kernel_size, or more or fewer of them than layers.

    References:
      van den Oord et al., "Conditional Image Generation with PixelCNN Decoders", 2016.
      Dieng et al., "Avoiding Latent Variable Collapse With Generative Skip Models", 2019, section 4: z to every layer and to the output.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        z_dim: int,
        filters: int = 32,
        kernel_size: int | Sequence[int] = 3,
        num_layers: int = 9,
        latent_filters: int = 1,
        z_to_inputs: str = "first",
        z_to_output: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_z_to_inputs(z_to_inputs)
        self.height, self.width, self.z_dim, self.filters, self.num_layers = height, width, z_dim, filters, num_layers
        self.kernel_size = kernel_size if isinstance(kernel_size, int) else list(kernel_size)
        self.latent_filters, self.z_to_inputs, self.z_to_output, self.seed = latent_filters, z_to_inputs, z_to_output, seed
        kernel_sizes = [kernel_size] * num_layers if isinstance(kernel_size, int) else kernel_size
        if len(kernel_sizes) != num_layers:
            raise ValueError(f"kernel_size = {kernel_size}: must be one number or one for each of {num_layers} layers")
        draw = random.Random(seed)
        self.convolutions: list[GatedMaskedConvolution] = []
        self._planes_of: dict[str, tuple[keras.Variable, keras.Variable]] = {}
        for layer, size in enumerate(kernel_sizes):
            reads_z = z_dim > 0 and (z_to_inputs == "all" or (z_to_inputs == "first" and layer == 0))
            options: dict[str, Any] = {"input_filters": filters if layer else 1, "kernel_size": size, "mask": "B" if layer else "A"}
            options |= {"plane_filters": latent_filters if reads_z else 0, "seed": draw.getrandbits(31), "dtype": self.dtype_policy}
            self.convolutions.append(GatedMaskedConvolution(filters, name=f"layer_{layer}", **options))
            self._add_planes(f"planes_{layer}", latent_filters * reads_z, 1.0, draw.getrandbits(31))
        initializer = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=draw.getrandbits(31))
        self.output_kernel = self.add_weight(name="output_kernel", shape=(filters, 1), initializer=initializer)
        self.output_bias = self.add_weight(name="output_bias", shape=(1,), initializer="zeros")
        # As if the planes had passed through weights like those of the output, of which there are F + 1 then.
        self._add_planes("planes_output", int(z_dim > 0 and z_to_output), 1 / (3 * (filters + 1)), draw.getrandbits(31))
        self.built = True

    def _add_planes(self, name: str, count: int, variance: float, seed: int) -> None:
        """Makes the weights of planes of z: He's, times a variance."""
        if count:
            initializer = keras.initializers.VarianceScaling(2 * variance, "fan_in", "untruncated_normal", seed=seed)
            size = self.height * self.width * count
            kernel = self.add_weight(name=f"{name}_kernel", shape=(self.z_dim, size), initializer=initializer)
            self._planes_of[name] = (kernel, self.add_weight(name=f"{name}_bias", shape=(size,), initializer="zeros"))

    def log_prob(self, batch: Batch, z: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns log p(x|z), shape [S, B], nats, summed over each image's pixels.

        Args:
          batch: "image" [B, H, W], in [0, 1].
          z: shape [S, B, Z].
          seed: not used: training adds no noise.
        """
        samples, size = tf.shape(z)[0], tf.shape(z)[1]
        image = tf.tile(batch["image"], [samples, 1, 1])
        logits = self.logits(image, tf.reshape(z, [samples * size, self.z_dim]))
        nats = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.cast(image, logits.dtype), logits=logits)
        return -tf.reshape(tf.reduce_sum(nats, [1, 2]), [samples, size])

    def logits(self, image: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """Returns the logit of each pixel given those before it, shape [N, H, W], from images, shape [N, H, W], and z, shape [N, Z]."""
        planes, last = self._planes(z)
        v = h = tf.cast(image, self.compute_dtype)[..., tf.newaxis]
        for convolution, of_z in zip(self.convolutions, planes, strict=True):
            v, h = convolution(v, h, of_z)
        return self._to_logits(h, last)

    def write(self, z: tf.Tensor, seed: tf.Tensor, decoding: Decoding) -> tf.Tensor:
        """Makes an image of each z, pixel by pixel: a row's maps of the rows above are computed once for all of its pixels.

        Args:
          z: shape [N, Z].
          seed: of what is drawn, int32 [2], or [N, 2] where an image must not depend on its neighbours.
          decoding: "sample" draws pixels, with its temperature; "greedy" takes the likelier value.

        Returns:
          images of 0 and 1, shape [N, H, W], float32.

        Raises:
          ValueError: another method.
        """
        self.check_method(decoding.method)
        num = tf.shape(z)[0]
        planes, last = self._planes(z)
        if decoding.method == "sample":
            uniform = tf.reshape(stateless.uniform([num, self.height * self.width], seed), [num, self.height, self.width])
            threshold = decoding.temperature * (tf.math.log(uniform) - tf.math.log1p(-uniform))  # a logit is above it with its probability
        else:
            threshold = tf.zeros([num, self.height, self.width])

        def write_row(i: tf.Tensor, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            v, above = image[:, : i + 1, :, tf.newaxis], []
            for convolution, of_z in zip(self.convolutions, planes, strict=True):
                v, a = convolution.vertical(v, None if of_z is None else of_z[:, : i + 1])
                above.append(a[:, -1:])
            beside = [None if of_z is None else of_z[:, i : i + 1] for of_z in planes]

            def write_pixel(j: tf.Tensor, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                h = row[:, tf.newaxis, :, tf.newaxis]
                for convolution, a, of_z in zip(self.convolutions, above, beside, strict=True):
                    h = convolution.horizontal(h, a, of_z)
                logits = self._to_logits(h, None if last is None else last[:, i : i + 1])[:, 0]
                values = tf.cast(tf.cast(logits, tf.float32) > threshold[:, i], row.dtype)
                return j + 1, tf.where(tf.range(self.width) == j, values, row)

            row = tf.while_loop(lambda j, _: j < self.width, write_pixel, (0, image[:, i]))[1]
            return i + 1, tf.where(tf.range(self.height)[:, tf.newaxis] == i, row[:, tf.newaxis], image)

        image = tf.zeros([num, self.height, self.width], self.compute_dtype)
        return tf.cast(tf.while_loop(lambda i, _: i < self.height, write_row, (0, image))[1], tf.float32)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ["height", "width", "z_dim", "filters", "kernel_size", "num_layers", "latent_filters", "z_to_inputs", "z_to_output", "seed"]
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _planes(self, z: tf.Tensor) -> tuple[list[tf.Tensor | None], tf.Tensor | None]:
        """Planes of z [N, Z] beside each layer's maps, [N, H, W, P], and the one in the logits, [N, H, W]; None where there are none."""
        z = tf.cast(z, self.compute_dtype)

        def make(name: str, shape: list[int]) -> tf.Tensor | None:
            if name not in self._planes_of:
                return None
            kernel, bias = (tf.cast(weight, self.compute_dtype) for weight in self._planes_of[name])
            return tf.reshape(tf.nn.bias_add(tf.matmul(z, kernel), bias), [-1, self.height, self.width, *shape])

        return [make(f"planes_{layer}", [self.latent_filters]) for layer in range(self.num_layers)], make("planes_output", [])

    def _to_logits(self, h: tf.Tensor, last: tf.Tensor | None) -> tf.Tensor:
        """Logits, [N, rows, W], at least float32, from maps, [N, rows, W, F], and the plane in the logits, [N, rows, W]."""
        kernel, bias = (tf.cast(weight, self.compute_dtype) for weight in (self.output_kernel, self.output_bias))
        logits = widen(tf.tensordot(h, kernel, 1)[..., 0]) + widen(bias)
        return logits if last is None else logits + widen(last)
