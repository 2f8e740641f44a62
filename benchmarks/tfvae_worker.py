"""tfvae in a process of its own: python -m benchmarks.tfvae_worker."""

import copy
import itertools
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from benchmarks.protocol import best_rate, peak_memory, serve, timed
from benchmarks.refinement import measure_refinement
from benchmarks.shortcuts import measure_shortcuts
from tfvae import stateless
from tfvae.data import corpora
from tfvae.data.batching import tokenize_split, training_batches
from tfvae.generation.decoding import Decoding
from tfvae.layers.packing import Packing
from tfvae.modalities.words import Words
from tfvae.models import vae
from tfvae.models.build import build_vae
from tfvae.models.precision import resolve_precision
from tfvae.registry import resolve
from tfvae.tokens import PAD
from tfvae.training.adam import Adam
from tfvae.training.run import Run

SEED = (1, 2)


class Worker:
    """A model and its batches."""

    def prepare(self, folder, model, data_dir, run, overrides, batches, bucketed, threads, device="cpu"):
        """Builds the model, and writes its weights and batches for the peers."""
        _set_threads(threads)
        self.device = _place(device)
        settings = {"objective.schedule.kind": "constant", **({"data.dir": data_dir} if data_dir else {}), **overrides}
        self.config = resolve(model, "ptb" if data_dir else "demo", base=settings)
        if run:
            self.config = Run(run).config()
            self.config.data.dir = data_dir or self.config.data.dir
            for name in ("precision", "implementation"):
                setattr(self.config.training, name, overrides[f"training.{name}"])
        texts = corpora.read(self.config.data)
        data = self.config.data
        words = Words.load(Run(run).path, data) if run else Words.learn(texts, data)
        vocabulary = words.vocabulary
        examples = tokenize_split(texts.train, vocabulary, self.config.data.train_max_length)
        self.batches = self._batches(examples, batches, bucketed)
        self._build(vocabulary.size)
        if run:
            self.model.load_weights(Run(run).weights_file)
        self._write(folder, vocabulary.size)
        padded = [int(tf.size(batch["tokens"])) for batch in self.batches]
        precision = resolve_precision(self.config.training.precision)
        return {"padded": padded, "precision": precision, "sizes": self.sizes, "device": self.device}

    def synthetic(self, model, overrides, threads, batch, time, vocabulary, samples, repeats):
        """Returns the seconds of training steps on sentences of `time` random words each, after one that is not counted."""
        _set_threads(threads)
        self.config = resolve(model, "ptb", base=overrides)
        self._build(vocabulary)
        self.model.num_samples = samples
        words = tf.random.stateless_uniform([batch, time], SEED, 4, vocabulary, tf.int32)
        data = {"tokens": words, "length": tf.fill([batch], time), "weight": tf.ones([batch]), "index": tf.range(batch)}
        seconds = [timed(lambda: self.step(data)["loss"].numpy()) for _ in range(repeats + 1)]
        return {"seconds": seconds[1:]}

    def shortcuts(self, samples):
        """What `measure_shortcuts` returns, of the batches."""
        return measure_shortcuts(self, samples)

    def refinement(self, samples, count):
        """What `measure_refinement` returns, of the batches."""
        return measure_refinement(self, samples, count)

    def _build(self, vocabulary_size):
        self.model = build_vae(self.config, {"vocabulary_size": vocabulary_size})
        self.model.compile(optimizer=Adam(1e-3), jit_compile=False)
        self.model.optimizer.build(self.model.trainable_variables)
        self.step = tf.function(self.model.train_step, reduce_retracing=True, autograph=False)
        self.tasks = {}

    def _batches(self, examples, count, bucketed):
        size = self.config.data.batch_size
        if bucketed:
            whole = training_batches(examples, size, 0).filter(lambda batch: tf.equal(tf.shape(batch["length"])[0], size))
            return list(whole.take(count))
        order = np.random.default_rng(0).permutation(len(examples))
        return [examples.batch(order[i * size : (i + 1) * size]) for i in range(count)]

    def _write(self, folder, vocabulary_size):
        config = self.config
        self.sizes = {
            "vocabulary": vocabulary_size,
            "embedding": config.decoder.embedding_dim,
            "hidden": config.decoder.hidden_dim,
            "variables": config.latent.variables,
            "components": config.latent.components,
            "dim": config.latent.dim,
            "mlp": config.latent.hidden_dim,
            "beta": config.objective.beta,
            "mi_weight": config.objective.mi_weight,
            "dropout": config.decoder.dropout,
            "batch": config.data.batch_size,
            "batches": len(self.batches),
        }
        with open(f"{folder}/sizes.json", "w") as file:
            json.dump(self.sizes, file)
        np.savez(f"{folder}/weights.npz", **{variable.path: variable.numpy() for variable in self.model.trainable_variables})
        arrays = {f"{name}_{i}": batch[name].numpy() for i, batch in enumerate(self.batches) for name in ("tokens", "length")}
        np.savez(f"{folder}/batches.npz", **arrays)

    def check(self, folder, samples):
        """Returns loss, reconstruction and importance weight of the first batch, and writes its gradients and the noise it was made of.

        All without dropout and in float32, whatever is timed, and at the full weight of the regularisers.
        """
        config = copy.deepcopy(self.config)
        config.training.precision = "float32"
        model, batch, seed = build_vae(config, {"vocabulary_size": self.sizes["vocabulary"]}), self.batches[0], tf.constant(SEED)
        model.set_weights(self.model.get_weights())
        with tf.GradientTape() as tape:
            params = model.encode(batch)
            loss, terms = model.evaluate_posterior(batch, params, seed=seed, num_samples=samples)
        names = [variable.path for variable in model.trainable_variables]
        gradients = dict(zip(names, tape.gradient(loss, model.trainable_variables), strict=True))
        arrays = {name: tf.convert_to_tensor(gradient).numpy() for name, gradient in gradients.items()}
        np.savez(f"{folder}/gradients-tfvae.npz", **arrays)
        latent = model.latent
        z = latent.sample(params, samples, stateless.fold(seed, vae._POSTERIOR))
        mean, log_variance = latent.family.from_natural(latent._natural(params))
        noise = (tf.reshape(z, [samples, *mean.shape]) - mean) / tf.exp(log_variance / 2)
        np.savez(f"{folder}/noise.npz", noise=noise.numpy())
        weight = model.decoder.log_prob(batch, z) + latent.log_prior(z) - latent.log_posterior(params, z)
        return {
            "loss": float(loss),
            "reconstruction": float(tf.reduce_mean(terms[0].value)),
            "importance weight": float(tf.reduce_mean(weight)),
        }

    def run(self, task, batch, samples, sentences):
        """Does a task once; returns its seconds, the tokens it was done to and the greatest memory so far."""
        if task not in self.tasks:
            self.tasks[task] = self._task(task, samples, sentences)
            if task != "generate":  # trace it for all shapes at once, as training's data does
                for less in (0, 1):
                    self.tasks[task](_smaller(self.batches[batch], less)).numpy()
        data, answer = self.batches[batch], []
        seconds = timed(lambda: answer.append(self.tasks[task](data).numpy()))
        tokens = answer[0] if task == "generate" else tf.reduce_sum(data["length"])
        return {"seconds": seconds, "tokens": int(tokens), "peak_memory": self._peak_memory()}

    def _peak_memory(self):
        return peak_memory() if self.device == "cpu" else tf.config.experimental.get_memory_info("GPU:0")["peak"]

    def _task(self, task, samples, sentences):
        """A function of a batch that returns a number."""
        model = self.model
        if task == "train_step":
            model.num_samples = samples
            return lambda batch: self.step(batch)["loss"]
        if task == "generate":
            calls = itertools.count()
            generate = tf.function(self._generate, reduce_retracing=True, autograph=False)
            return lambda batch: generate(tf.constant(next(calls)), sentences)
        function = {
            "score": lambda batch: tf.reduce_sum(model.log_likelihood(batch, samples)),
            "gru": lambda batch: self._gru(batch, samples),
            "softmax": lambda batch: self._softmax(batch, samples),
        }[task]
        return tf.function(function, reduce_retracing=True, autograph=False)

    def _generate(self, call, sentences):
        """Samples sentences as `Model.generate` does, and returns how many tokens they have."""
        seeds = [stateless.rows(tf.stack([call, i]), tf.range(sentences)) for i in range(2)]
        z, _ = self.model.latent.sample_prior(sentences, seeds[0])
        tokens = Decoding("sample", max_length=40)(self.model.decoder, z, seeds[1])
        return tf.math.count_nonzero(tf.not_equal(tokens, PAD))

    def _gru(self, batch, samples):
        decoder = self.model.decoder
        cell, dtype = decoder.cells[0], decoder.compute_dtype
        shape = [samples, tf.shape(batch["length"])[0]]
        packing = Packing(batch["length"], tf.shape(batch["tokens"])[1])
        x = tf.cast(tf.gather(decoder.embedding, packing.pack(batch["tokens"])), dtype)[:, None]
        z, state = tf.zeros([*shape, cell.context_dim], dtype), tf.zeros([*shape, cell.units], dtype)
        with tf.GradientTape() as tape:
            tape.watch([x, z, state])
            outputs, _ = cell.packed(x, packing, context=z, initial_state=state, training=True)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32))
        return loss + _touch(tape.gradient(loss, [x, z, state, *(weight.value for weight in cell.weights)]))

    def _softmax(self, batch, samples):
        decoder = self.model.decoder
        packing = Packing(batch["length"], tf.shape(batch["tokens"])[1])
        words = packing.pack(batch["tokens"])
        kernel, bias = tf.convert_to_tensor(decoder.embedding), decoder.softmax.bias.value
        hidden = tf.fill([tf.size(words), samples, decoder.hidden_dim], tf.cast(0.1, decoder.compute_dtype))
        with tf.GradientTape() as tape:
            tape.watch([hidden, kernel])
            loss = tf.reduce_mean(decoder.softmax.packed_log_prob(hidden, words, packing, kernel=kernel, training=True))
        return loss + _touch(tape.gradient(loss, [hidden, kernel, bias]))

    def ceiling(self, shapes):
        """Returns the rate of matrix products, GFLOP/s."""
        dtype = tf.as_dtype(resolve_precision(self.config.training.precision))

        def multiply(m, k, n):
            a, b = tf.cast(tf.random.normal([m, k]), dtype), tf.cast(tf.random.normal([k, n]), dtype)
            product = tf.function(lambda: tf.reduce_max(tf.matmul(a, b)[0]))
            return lambda: product().numpy()

        return {"gflops": best_rate(multiply, shapes)}


def _set_threads(threads):
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:  # it cannot be set once TensorFlow has begun
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def _place(device):
    """Keeps TensorFlow to a kind of device, and returns what it is called."""
    accelerators = tf.config.list_physical_devices("GPU")
    if device == "cpu":
        if accelerators:
            tf.config.set_visible_devices([], "GPU")
        return "cpu"
    if not accelerators:
        sys.exit("--device=gpu: TensorFlow finds no GPU; it needs tensorflow[and-cuda] and a driver")
    tf.config.set_visible_devices(accelerators[:1], "GPU")
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return tf.config.experimental.get_device_details(accelerators[0]).get("device_name", "gpu")


def _smaller(batch, less):
    """A batch with so many sentences and words fewer."""
    batch = tf.nest.map_structure(lambda values: values[: len(values) - less], batch)
    tokens = batch["tokens"][:, : batch["tokens"].shape[1] - less]
    return {**batch, "tokens": tokens, "length": tf.minimum(batch["length"], tokens.shape[1])}


def _touch(gradients):
    """A number that needs every gradient, so that none is left out."""
    return tf.add_n([tf.cast(tf.reshape(gradient, [-1])[0], tf.float32) for gradient in gradients])


if __name__ == "__main__":
    worker = Worker()
    serve({name: getattr(worker, name) for name in ("prepare", "synthetic", "shortcuts", "refinement", "check", "run", "ceiling")})
