"""Aggressive training of the encoder: what is updated when, when it ends, and that a run goes on to the same figures."""

import math
import shutil
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.training import aggressive
from tfvae.training.aggressive import WINDOW, Aggressive
from tfvae.training.fit import fit
from tfvae.training.run import Run


class Recorded(Aggressive):
    """Whose losses are given and whose updates are counted."""

    def follow(self, losses):
        self.calls, given = 0, iter(losses)

        def step(batch, number):
            self.calls += 1
            return next(given)

        self._step, self._batches = step, iter(range(10_000))
        self.on_train_batch_begin(0)
        return self.calls


def recorded(most=100, **more):
    said = more.pop("said", [])
    return Recorded(None, {}, most=most, batch_size=5, seed=0, say=said.append)


@pytest.mark.parametrize(
    ("losses", "most", "steps"),
    [
        (np.linspace(9, 1, 200), 100, 100),
        (np.ones(200), 100, 2 * WINDOW),
        (np.concatenate([np.full(WINDOW, 5), np.full(WINDOW, 4), np.full(WINDOW, 4.5)]), 100, 3 * WINDOW),
        (np.linspace(9, 1, 200), 20, 20),
        (np.linspace(9, 1, 200), 4, 4),
        (np.full(200, math.nan), 100, WINDOW),
    ],
)
def test_the_inner_loop_ends_when_a_window_is_no_better_than_the_last_one(losses, most, steps):
    assert recorded(most).follow(losses) == steps


def test_it_ends_for_good_once_information_falls():
    said, ended = [], []
    callback = recorded(said=said)
    callback._model = types.SimpleNamespace(end_aggressive=lambda: ended.append(True))
    values = iter([1.5, 2.0, 2.5, 2.4])
    callback._information = lambda batch: next(values)
    for epoch in range(6):
        callback.on_epoch_end(epoch)
        assert callback.memory == {"information": min(1.5 + 0.5 * epoch, 2.5), "ended": epoch >= 3}
    assert len(ended) == 1 and said == ["aggressive training of the encoder ends: I(x; z) fell from 2.50 to 2.40 nats"]
    assert callback.follow(np.linspace(9, 1, 200)) == 0


def test_a_run_that_goes_on_has_the_figures_and_weights_of_one_that_was_not_stopped(tiny, tmp_path, monkeypatch):
    """The phase is saved with it: information is made to fall in the second epoch, after which all are updated together."""
    monkeypatch.setattr(aggressive, "WINDOW", 2)
    monkeypatch.setattr(Aggressive, "_measure", lambda self, batch: 1 - tf.cast(self.model.step.value, tf.float32) / 100)
    networks = {"encoder__kind": "bag_of_words", "decoder__kind": "bag_of_words", "encoder__num_layers": 1}
    settings = {"training__aggressive": 4, "data__limit": 60, "training__snapshot_sentences": 0, **networks}
    config = tiny("vae", **settings, training__epochs=3)

    def keep(epoch, logs):
        if epoch == 1:  # what a kill in the second epoch leaves
            shutil.copytree(tmp_path / "whole", tmp_path / "parts")

    quiet = {"bar": False, "say": lambda line: None}
    whole, run = fit(config, str(tmp_path / "whole"), callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=keep)], **quiet)
    assert len(Run(tmp_path / "parts").read_metrics()) == 1
    parts, stopped = fit(config, str(tmp_path / "parts"), resume=True, **quiet)
    lines = [each.read_metrics() for each in (run, stopped)]
    for line in (*lines[0], *lines[1]):
        del line["seconds"]
    assert lines[0] == lines[1] and len(lines[0]) == 3
    for value, expected in zip(parts.vae.get_weights(), whole.vae.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)
    assert not bool(whole.vae.aggressive.value)
