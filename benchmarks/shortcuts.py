"""What the shortcuts of a training step buy: the step with all of them, and without one at a time, in turns."""

import contextlib
import statistics
from unittest import mock

import keras
import tensorflow as tf

from benchmarks.turns import in_turns, of_any_batch
from tfvae.decoders import recurrent as decoder
from tfvae.encoders import recurrent as encoder
from tfvae.layers import softmax
from tfvae.layers.packing import Packing
from tfvae.training.adam import Adam

LABELS = {
    "packing": "packing: GRUs and softmax see padding",
    "chunks": "chunks and a custom gradient in the softmax",
    "beside": "the softmax's gradient beside its values",
    "rounded": "oneDNN's softmax in half precision",
    "in_place": "adding in place for words observed and looked up",
    "tied": "one gradient for the tied table",
    "gru": "a custom gradient in the GRUs",
    "adam": "Adam's fused kernel",
    "shared": "samples that share the encoder and projections of words",
}
"""What each is, by its name."""


def measure_shortcuts(worker, samples):
    """Returns the median seconds of a step with all shortcuts, "seconds", and without each that there is for so many samples, "without".

    Steps are compiled for any batch and take turns, see `in_turns`.
    """
    model = worker.model
    model.num_samples = samples
    names = ["", *(name for name in LABELS if samples > 1 or name != "shared")]
    steps = {name: _compiled(worker, samples, name) for name in names}
    seconds = in_turns(steps, worker.batches)
    medians = {name: round(statistics.median(values), 5) for name, values in seconds.items()}
    return {"seconds": medians.pop(""), "without": medians}


def _compiled(worker, samples, name):
    """A function of a batch: a training step that was traced without one shortcut; "": with all of them."""
    model = worker.model

    def step(batch):
        if name == "shared":
            batch = tf.nest.map_structure(lambda values: tf.repeat(values, samples, axis=0), batch)
        return model.train_step(batch)["loss"]

    with contextlib.ExitStack() as stack:
        for patch in _undone(model, name):
            stack.enter_context(patch)
        return tf.function(step, input_signature=[of_any_batch(worker.batches[0])], autograph=False).get_concrete_function()


def _undone(model, name):
    """What is replaced while a step without a shortcut is traced."""
    projection, patch = model.decoder.softmax, mock.patch.object
    scores = projection.packed_log_prob

    def padded(length, time):
        return Packing(tf.fill(tf.shape(length), time), time)

    def copied(input, indices, updates):
        return tf.tensor_scatter_nd_add(input, indices, updates)

    grus = [*model.encoder.forward_layers, *model.encoder.backward_layers, *model.decoder.cells]
    return {
        "": [],
        "packing": [patch(module, "Packing", padded) for module in (encoder, decoder)],
        "chunks": [patch(projection, "implementation", "plain")],
        "beside": [patch(projection, "packed_log_prob", lambda *values, training: scores(*values, training=False))],
        "rounded": [patch(softmax, "_softmax_is_sound", lambda dtype: False)],
        "in_place": [patch(tf.raw_ops, "ScatterNdNonAliasingAdd", copied)],
        "tied": [patch(decoder, "_rows_and_table", lambda table, words: (tf.gather(table, words), table))],
        "gru": [patch(gru, "implementation", "plain") for gru in grus],
        "adam": [patch(Adam, "update_step", keras.optimizers.Adam.update_step)],
        "shared": [patch(model, "num_samples", 1)],
    }[name]
