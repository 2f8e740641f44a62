"""How well images are reconstructed."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tfvae.evaluation.figure import Figure, mean_figure
from tfvae.evaluation.subject import Subject


def pixels(subject: Subject) -> Iterator[Figure]:
    """Yields the share of pixels that a reconstruction from the mode of q(z|x) has right."""
    vae, decoding = subject.model.vae, subject.model.decoding(method="greedy")
    seed = tf.constant([subject.seed, 3])

    def right(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        written = vae.decoder.write(vae.latent.mode(vae.encode(batch)), seed, decoding)
        same = tf.equal(tf.cast(written, tf.float32) >= 0.5, batch["image"] >= 0.5)
        return batch["index"], tf.reduce_mean(tf.cast(same, tf.float32), axis=[1, 2])

    shares = np.concatenate([share.numpy() for _, share in subject.over_batches("reconstructions", right, subject.choose(_MOST))])
    estimator = "pixels of greedy reconstructions from the mode of q(z|x), rounded, that are as in the image that was encoded"
    yield mean_figure("pixels_reconstructed", shares, unit="share", estimator=estimator, settings={"images": len(shares)})


_MOST = 1000  # images, since some decoders write pixel by pixel
