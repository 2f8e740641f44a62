"""What refinement costs: a training step without it and with it, by each way in which the encoder learns, in turns."""

import statistics
from unittest import mock

import tensorflow as tf

from benchmarks.turns import in_turns, of_any_batch
from tfvae.inference.refinement import Refinement

LABELS = {
    "none": "by its own bound: VAE + SVI (`none`)",
    "divergence": "to say what steps find: VAE + SVI + KL (`divergence`)",
    "difference_encoder": "through the steps, the model at their end alone (`difference_encoder`)",
    "difference": "through the steps, as the model does: SA-VAE (`difference`)",
}
"""How the encoder learns, by the gradient; fast layers are differentiated once, so `exact` is none of them."""


def measure_refinement(worker, samples, count):
    """Returns median seconds of a step without refinement, "seconds", and with `count` steps of it, "refined"; and their "vae_steps".

    Those are medians over batches of how many times as long the refined one takes.

    Steps are compiled for any batch and take turns, see `in_turns`.
    """
    worker.model.num_samples = samples
    names = ["", *LABELS]
    steps = {name: _compiled(worker, name, count) for name in names}
    seconds = in_turns(steps, worker.batches)
    plain = seconds.pop("")
    ratios = {name: [time / unit for time, unit in zip(values, plain, strict=True)] for name, values in seconds.items()}
    return {
        "seconds": round(statistics.median(plain), 5),
        "refined": {name: round(statistics.median(values), 5) for name, values in seconds.items()},
        "vae_steps": {name: round(statistics.median(values), 2) for name, values in ratios.items()},
    }


def _compiled(worker, name, count):
    """A function of a batch: a training step; "": as the model has it, which refines nothing."""
    inference = Refinement(steps=count, gradient=name) if name else worker.model.inference
    with mock.patch.object(worker.model, "inference", inference):
        step = tf.function(lambda batch: worker.model.train_step(batch)["loss"], autograph=False)
        return step.get_concrete_function(of_any_batch(worker.batches[0]))
