"""Variants of a step, timed in turns."""

import sys

import tensorflow as tf

from benchmarks.protocol import timed


def of_any_batch(batch):
    """Returns the specification of batches like one, of any number of examples and any length."""
    return tf.nest.map_structure(lambda values: tf.TensorSpec([None] * len(values.shape), values.dtype), batch)


def in_turns(steps, batches):
    """Returns the seconds that each step took of each batch, lists by the step's name; "" must be one of them.

    Steps see each batch once before it counts, and take turns at every batch, each time another one first.
    """
    names = list(steps)
    for batch in batches:
        for step in steps.values():
            step(batch)
    seconds = {name: [] for name in names}
    for number, batch in enumerate(batches):
        steps[""](batch).numpy()  # whatever comes first after another batch pays for the change
        first = number % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(timed(lambda step=steps[name], batch=batch: step(batch).numpy()))
        print(f"batch {number + 1} of {len(batches)}", file=sys.stderr)
    return seconds
