"""What the shortcuts of a training step buy: the step with all of them, and without one at a time, in turns."""

import contextlib
import statistics
import sys
from unittest import mock

import keras
import tensorflow as tf

from benchmarks.protocol import timed
from tfvae.layers import decoder, encoder, softmax
from tfvae.layers.packing import Packing
from tfvae.training.adam import Adam

LABELS = {
    "packing": "no padding in GRUs and softmax",
    "chunks": "chunks and a custom gradient in the softmax",
    "beside": "the softmax's gradient beside its values",
    "rounded": "oneDNN's softmax in half precision",
    "in_place": "observed and looked-up words added in place",
    "tied": "one gradient for the tied table",
    "gru": "a custom gradient in the GRUs",
    "adam": "Adam in one pass",
    "shared": "samples share the encoder and the projections of words",
}
"""What each is, by its name."""


def measure_shortcuts(worker, samples, names):
    """Returns the median seconds of a step with all shortcuts, "seconds", and without each that is named, "without".

    Steps are compiled for any batch, see each batch once before it counts, and take turns at every batch.
    """
    model = worker.model
    model.num_samples = samples
    steps = {name: _compiled(worker, samples, name) for name in ("", *names)}
    for batch in worker.batches:
        for step in steps.values():
            step(batch)
    seconds = {name: [] for name in steps}
    for number, batch in enumerate(worker.batches):
        for name, step in steps.items():
            seconds[name].append(timed(lambda step=step, batch=batch: step(batch).numpy()))
        print(f"batch {number + 1} of {len(worker.batches)}", file=sys.stderr)
    medians = {name: round(statistics.median(values), 5) for name, values in seconds.items()}
    return {"seconds": medians.pop(""), "without": medians}


def _compiled(worker, samples, name):
    """A function of a batch: a training step that was traced without one shortcut."""
    model = worker.model

    def step(batch):
        if name == "shared":
            batch = tf.nest.map_structure(lambda values: tf.repeat(values, samples, axis=0), batch)
        return model.train_step(batch)["loss"]

    of_any_batch = tf.nest.map_structure(lambda values: tf.TensorSpec([None] * len(values.shape), values.dtype), worker.batches[0])
    with contextlib.ExitStack() as stack:
        for patch in _undone(model, name):
            stack.enter_context(patch)
        return tf.function(step, input_signature=[of_any_batch], autograph=False).get_concrete_function()


def _undone(model, name):
    """What is replaced while a step without a shortcut is traced."""
    layers, patch = model.decoder.softmax, mock.patch.object
    scores = layers.packed_log_prob

    def padded(length, time):
        return Packing(tf.fill(tf.shape(length), time), time)

    def copied(input, indices, updates):
        return tf.tensor_scatter_nd_add(input, indices, updates)

    grus = [*model.encoder.forward_layers, *model.encoder.backward_layers, *model.decoder.cells]
    return {
        "": [],
        "packing": [patch(module, "Packing", padded) for module in (encoder, decoder)],
        "chunks": [patch(layers, "implementation", "plain")],
        "beside": [patch(layers, "packed_log_prob", lambda *values, training: scores(*values, training=False))],
        "rounded": [patch(softmax, "_softmax_is_sound", lambda dtype: False)],
        "in_place": [patch(tf.raw_ops, "ScatterNdNonAliasingAdd", copied)],
        "tied": [patch(decoder, "_rows_and_table", lambda table, words: (tf.gather(table, words), table))],
        "gru": [patch(gru, "implementation", "plain") for gru in grus],
        "adam": [patch(Adam, "update_step", keras.optimizers.Adam.update_step)],
        "shared": [patch(model, "num_samples", 1)],
    }[name]
