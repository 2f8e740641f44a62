"""Updates on shards and on texts in memory, in turns: python -m benchmarks.large.worker RUN TEXTS."""

import json
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from tfvae.data import corpora
from tfvae.data.batching import tokenize_split, training_batches
from tfvae.data.corpus import Split
from tfvae.modalities.words import Words
from tfvae.training.adam import Adam
from tfvae.training.fit import load
from tfvae.training.run import Run

_TURNS, _UPDATES = 12, 50


def main() -> None:
    """Prints the seconds of an update of each, the medians over turns, and the median of how many times as many updates shards give."""
    run, texts = sys.argv[1:]
    config, model = Run(run).config(), load(run)
    corpus = corpora.read(config.data)
    words = Words.learn(corpus, config.data)
    with open(texts, encoding="utf-8") as file:
        lines = file.read().splitlines()
    held = Split(lines, {}, texts, np.arange(1, len(lines) + 1), "text")
    examples = {
        "shards": words.examples(corpus.train, training=True, seed=0),
        "memory": tokenize_split(held, words.vocabulary, config.data.train_max_length),
    }
    model.vae.compile(optimizer=Adam(1e-3), jit_compile=False)
    step = tf.function(model.vae.train_step, reduce_retracing=True, autograph=False)
    batches = {name: iter(training_batches(each, config.data.batch_size, 0, epochs=9)) for name, each in examples.items()}
    seconds: dict[str, list[float]] = {name: [] for name in batches}
    for turn in range(_TURNS + 1):
        for name in list(batches)[:: 1 if turn % 2 else -1]:
            begun = time.perf_counter()
            for _ in range(_UPDATES):
                loss = step(next(batches[name]))["loss"]
            float(loss)
            seconds[name].append((time.perf_counter() - begun) / _UPDATES)
    seconds = {name: values[1:] for name, values in seconds.items()}
    ratios = [memory / shards for memory, shards in zip(seconds["memory"], seconds["shards"], strict=True)]
    medians = {f"{name}_step_seconds": round(statistics.median(values), 5) for name, values in seconds.items()}
    sizes = {"batch": config.data.batch_size, "parameters": model.vae.count_params(), "turns": _TURNS, "updates_a_turn": _UPDATES}
    print(json.dumps({**sizes, **medians, "throughput_of_memory": round(statistics.median(ratios), 3)}))


if __name__ == "__main__":
    main()
