"""What decoders of images share."""

import tensorflow as tf

from tfvae.decoders.decoder import Batch, Decoder
from tfvae.decoders.rate import BITS


class PixelDecoder(Decoder):
    """A distribution of images of Bernoulli pixels. An intensity between 0 and 1 counts as that share of a white pixel.

    Attributes:
      height: H of an image.
      width: W.
    """

    rate = BITS
    height: int
    width: int

    def num_observations(self, batch: Batch) -> tf.Tensor:
        """Returns the number of pixels, H W, for each image, shape [B], float32."""
        return tf.fill([tf.shape(batch["image"])[0]], float(self.height * self.width))

    def example(self) -> dict[str, tf.Tensor]:
        """Returns a black image."""
        return {"image": tf.zeros([1, self.height, self.width])}
