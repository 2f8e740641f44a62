"""What refinement costs: a training step without it and with it, by each way in which the encoder learns, in turns."""

import statistics
import sys
from unittest import mock

import tensorflow as tf

from benchmarks.protocol import timed
from tfvae.inference.refinement import Refinement

GRADIENTS = ("none", "divergence", "difference")
"""Of fast layers, which are differentiated once."""


def measure_refinement(worker, samples, count):
    """Returns median seconds of a step without refinement, "seconds", and with `count` steps of it, "refined"; and their "vae_steps".

    Those are medians over batches of how many times as long the refined one takes.

    Steps are compiled for any batch, see each batch once before it counts, and take turns at every batch, each time another one first.
    """
    worker.model.num_samples = samples
    names = ["", *GRADIENTS]
    steps = {name: _compiled(worker, name, count) for name in names}
    for batch in worker.batches:
        for step in steps.values():
            step(batch)
    seconds = {name: [] for name in names}
    for number, batch in enumerate(worker.batches):
        steps[""](batch).numpy()  # whatever comes first after another batch pays for the change
        first = number % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(timed(lambda step=steps[name], batch=batch: step(batch).numpy()))
        print(f"batch {number + 1} of {len(worker.batches)}", file=sys.stderr)
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
    of_any_batch = tf.nest.map_structure(lambda values: tf.TensorSpec([None] * len(values.shape), values.dtype), worker.batches[0])
    with mock.patch.object(worker.model, "inference", inference):
        step = tf.function(lambda batch: worker.model.train_step(batch)["loss"], input_signature=[of_any_batch], autograph=False)
        return step.get_concrete_function()
