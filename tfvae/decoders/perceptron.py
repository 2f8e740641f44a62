"""Images of independent pixels, given z."""

import random
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.decoders.decoder import Batch, check_z_to_inputs
from tfvae.decoders.pixels import PixelDecoder
from tfvae.generation.decoding import Decoding
from tfvae.layers.common import widen
from tfvae.layers.perceptron import AffineOfTwo, Perceptron


@keras.saving.register_keras_serializable(package="tfvae")
class PerceptronDecoder(PixelDecoder):
    """Bernoulli pixels whose logits are dense layers of z.

        h_0 = W_0 z + b_0,  h_l = relu(W_l h_(l-1) + U_l z + b_l),  logits = W h_L + U z + b

    Args:
      height: H of an image.
      width: W.
      z_dim: Z; 0: no z, whatever the switches say.
      hidden_dim: units of h_0, …, h_L.
      num_layers: L.
      z_to_inputs: which layers read z: "none", "first", which is h_0, or "all". Where a layer does not, its term of z is left out.
      z_to_output: z enters the logits.
      dropout: rate of dropout on h_L.
      seed: of the initial weights.

    References:
      Dieng et al., "Avoiding Latent Variable Collapse With Generative Skip Models", 2019, section 3: z to every layer.
      yoonkim/skip-vae, `MLPVAE`: a first layer without activation.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        z_dim: int,
        hidden_dim: int,
        num_layers: int = 2,
        z_to_inputs: str = "first",
        z_to_output: bool = False,
        dropout: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_z_to_inputs(z_to_inputs)
        self.height, self.width, self.z_dim, self.hidden_dim, self.num_layers = height, width, z_dim, hidden_dim, num_layers
        self.z_to_inputs, self.z_to_output, self.dropout, self.seed = z_to_inputs, z_to_output, dropout, seed
        draw = random.Random(seed)
        first, hidden, last = ({"seed": draw.getrandbits(31), "dtype": self.dtype_policy} for _ in range(3))
        self.first = AffineOfTwo(hidden_dim, input_dim=0, z_dim=0 if z_to_inputs == "none" else z_dim, name="first", **first)
        hidden |= {"z_dim": z_dim, "z_layers": num_layers if z_to_inputs == "all" else 0}
        self.hidden = Perceptron(hidden_dim, units=hidden_dim, num_layers=num_layers, activation="relu", name="hidden", **hidden)
        self.last = AffineOfTwo(height * width, input_dim=hidden_dim, z_dim=z_dim if z_to_output else 0, name="last", **last)
        self.built = True

    def log_prob(self, batch: Batch, z: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns log p(x|z), shape [S, B], nats, summed over pixels.

        Args:
          batch: "image" [B, H, W], in [0, 1].
          z: shape [S, B, Z].
          seed: in training, of dropout, int32 [2]; None: outside training.
        """
        logits = self.logits(z, seed)
        image = tf.cast(tf.reshape(batch["image"], [-1, self.height * self.width]), logits.dtype)
        nats = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.broadcast_to(image, tf.shape(logits)), logits=logits)  # [S, B, H W]
        return -tf.reduce_sum(nats, -1)

    def logits(self, z: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the pixels' logits, row by row, shape [..., H W], float32 or wider.

        Args:
          z: shape [..., Z].
          seed: in training, of dropout, int32 [2]; None: outside training.
        """
        noise = None if seed is None else stateless.samples(seed, tf.shape(z)[0])
        h = stateless.dropout(self.hidden(self.first(None, z), z), self.dropout, noise)
        return widen(self.last(h, z))

    def write(self, z: tf.Tensor, seed: tf.Tensor, decoding: Decoding) -> tf.Tensor:
        """Makes an image of each z.

        Args:
          z: shape [N, Z].
          seed: of what is drawn, int32 [2], or [N, 2] where an image must not depend on its neighbours.
          decoding: "sample" draws pixels, with its temperature; "greedy" gives the mean image, of the pixels' probabilities.

        Returns:
          images, shape [N, H, W], float32, in [0, 1]; of 0 and 1 where they are drawn.

        Raises:
          ValueError: another method.
        """
        self.check_method(decoding.method)
        logits = tf.cast(tf.reshape(self.logits(z), [-1, self.height, self.width]), tf.float32)
        if decoding.method == "greedy":
            return tf.sigmoid(logits)
        drawn = stateless.uniform(tf.shape(logits), seed)
        return tf.cast(drawn < tf.sigmoid(logits / decoding.temperature), tf.float32)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("height", "width", "z_dim", "hidden_dim", "num_layers", "z_to_inputs", "z_to_output", "dropout", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
