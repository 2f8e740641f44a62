import json
import types

import keras
import pytest
import tensorflow as tf

from tfvae.modalities.words import as_markdown
from tfvae.objectives.elbo import ELBO
from tfvae.objectives.schedules import Constant
from tfvae.registry import resolve
from tfvae.training.callbacks import CollapseWarning, Journal
from tfvae.training.progress import EpochLines
from tfvae.training.run import Run


@pytest.mark.parametrize(("w", "final", "count"), [(0.5, 1.0, 0), (1.0, 1.0, 1), (0.5, 0.5, 1)])
def test_it_is_said_once_and_only_when_the_regularisers_weigh_fully(w, final, count):
    said = []
    callback = CollapseWarning(said.append)
    latent = types.SimpleNamespace(has_codes=True, has_dispersion=True, num_components=5, num_variables=2)
    callback.set_model(types.SimpleNamespace(latent=latent, objective=ELBO(schedule=Constant(final))))
    for epoch in range(3):
        callback.on_epoch_end(epoch, {"w": w, "val_average_kl": 3.0, "val_mutual_information": 0.0})
    assert len(said) == count


def test_texts_are_shown_as_they_are_in_markdown():
    assert as_markdown("a | <b>b</b> & _UNK *") == r"a \| &lt;b&gt;b&lt;/b&gt; &amp; \_UNK \*"


def test_a_figure_that_float32_does_not_hold_is_written(tmp_path):
    run = Run(tmp_path)
    run.create(resolve("vae"))
    journal = Journal(run)
    optimizer = keras.optimizers.SGD()
    journal.set_model(types.SimpleNamespace(optimizer=optimizer, aggregates=dict, step=tf.constant(7)))
    for epoch, perplexity in enumerate((1.3e48, float("inf"))):
        journal.on_epoch_begin(epoch)
        journal.on_epoch_end(epoch, {"val_perplexity": perplexity})
    lines = [json.loads(line, parse_constant=pytest.fail) for line in run.metrics_file.read_text().splitlines()]
    assert [line["val_perplexity"] for line in lines] == [1.3e48, None]


@pytest.mark.parametrize(("value", "shown"), [(1.3e48, "1.3e+48"), (114304.36, "114304.4"), (104.5, "104.50"), (float("inf"), "inf")])
def test_a_figure_has_as_many_digits_as_its_column_has_room_for(value, shown):
    said = []
    selection = types.SimpleNamespace(memory={"best_epoch": 1})
    lines = EpochLines(1, selection, said.append, item="a sentence", bar=False)
    lines.on_epoch_begin(0)
    lines.on_epoch_end(0, {"val_elbo": -1.0, "val_perplexity": value})
    heading, line = said[-2:]
    end = heading.index("ppl") + len("ppl")
    assert line[:end].split()[-1] == shown and line[end] == " "
