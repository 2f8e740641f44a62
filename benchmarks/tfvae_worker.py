"""tfvae in a process of its own: python -m benchmarks.tfvae_worker."""

import copy
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from benchmarks.protocol import best_rate, peak_memory, serve, timed
from tfvae.data import corpora
from tfvae.data.batching import tokenize_split, training_batches
from tfvae.data.tokenizers import learn_vocabulary
from tfvae.models.build import build_vae
from tfvae.models.precision import resolve_precision
from tfvae.models.registry import resolve
from tfvae.training.adam import Adam

GRADIENTS = (
    "encoder/embedding",
    "decoder/embedding",
    "posterior/bias",
    "hidden/bias",
    "logits/bias",
    "latent/components",
    "decoder/state_0",
    "softmax/bias",
)
"""Variables whose gradients are laid out alike in both programs."""


class Worker:
    """A model and its batches."""

    def prepare(self, folder, model, data_dir, overrides, batches, bucketed, threads):
        """Builds the model, and writes its weights and batches for the peers."""
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        corpus = "ptb" if data_dir else "demo"
        settings = {"objective.schedule.kind": "constant", **({"data.dir": data_dir} if data_dir else {}), **overrides}
        self.config = resolve(model, corpus, base=settings)
        texts = corpora.read(self.config.data, 0)
        vocabulary = learn_vocabulary(texts.train.texts, self.config.data)
        examples = tokenize_split(texts.train, vocabulary, self.config.data.train_max_length)
        self.batches = self._batches(examples, batches, bucketed)
        self.model = build_vae(self.config, vocabulary.size)
        self.model.compile(optimizer=Adam(1e-3), jit_compile=False)
        self.model.optimizer.build(self.model.trainable_variables)
        self.step = tf.function(self.model.train_step, reduce_retracing=True, autograph=False)
        self._write(folder, vocabulary.size)
        tokens = [int(tf.reduce_sum(batch["length"])) for batch in self.batches]
        padded = [int(tf.size(batch["tokens"])) for batch in self.batches]
        return {"tokens": tokens, "padded": padded, "precision": resolve_precision(self.config.training.precision), "sizes": self.sizes}

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
        np.savez(f"{folder}/weights.npz", **{_name(variable): variable.numpy() for variable in self.model.trainable_variables})
        arrays = {f"{name}_{i}": batch[name].numpy() for i, batch in enumerate(self.batches) for name in ("tokens", "length")}
        np.savez(f"{folder}/batches.npz", **arrays)

    def check(self, folder, samples):
        """Returns the loss and reconstruction of the first batch, and writes its gradients and the noise it was made of.

        All without dropout and in float32, whatever is timed.
        """
        config = copy.deepcopy(self.config)
        config.training.precision = "float32"
        model, batch, seed = build_vae(config, self.sizes["vocabulary"]), self.batches[0], tf.constant([1, 2])
        with tf.GradientTape() as tape:
            params = model.encode(batch)
            loss, terms = model.evaluate_posterior(batch, params, seed=seed, num_samples=samples)
        gradients = dict(zip(map(_name, model.trainable_variables), tape.gradient(loss, model.trainable_variables), strict=True))
        np.savez(f"{folder}/gradients-tfvae.npz", **{name: tf.convert_to_tensor(gradients[name]).numpy() for name in GRADIENTS})
        latent = model.latent
        z = latent.sample(params, samples, _posterior_seed(seed))
        mean, log_variance = latent.family.from_natural(latent._natural(params))
        noise = (tf.reshape(z, [samples, *mean.shape]) - mean) / tf.exp(log_variance / 2)
        np.savez(f"{folder}/noise.npz", noise=noise.numpy())
        return {"loss": float(loss), "reconstruction": float(tf.reduce_mean(terms[0].value))}

    def train(self, batch, samples):
        """Makes a step and returns its seconds."""
        self.model.num_samples = samples
        return {"seconds": timed(lambda: self.step(self.batches[batch])["loss"].numpy()), "peak_memory": peak_memory()}

    def ceiling(self, shapes):
        """Returns the rate of matrix products, GFLOP/s."""
        dtype = tf.as_dtype(resolve_precision(self.config.training.precision))

        def multiply(m, k, n):
            a, b = tf.cast(tf.random.normal([m, k]), dtype), tf.cast(tf.random.normal([k, n]), dtype)
            product = tf.function(lambda: tf.reduce_max(tf.matmul(a, b)[0]))
            return lambda: product().numpy()

        return {"gflops": best_rate(multiply, shapes)}


def _name(variable):
    return variable.path


def _posterior_seed(seed):
    from tfvae import stateless
    from tfvae.models import vae

    return stateless.fold(seed, vae._POSTERIOR)


if __name__ == "__main__":
    worker = Worker()
    serve({name: getattr(worker, name) for name in ("prepare", "check", "train", "ceiling")})
