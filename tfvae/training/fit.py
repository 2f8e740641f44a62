"""Training from a configuration to a run directory."""

import logging
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfvae.config import Config
from tfvae.data import corpora
from tfvae.data.batching import Examples, evaluation_batches, steps_per_epoch, tokenize_split, training_batches
from tfvae.data.corpus import Corpus
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.models.build import build_vae
from tfvae.models.registry import resolve
from tfvae.models.text_vae import TextVAE
from tfvae.models.vae import VAE
from tfvae.training.callbacks import CollapseWarning, Journal, Saver, Selection, Snapshots, StopOnNaN
from tfvae.training.checkpoint import Checkpoint
from tfvae.training.progress import EpochLines
from tfvae.training.run import Run, default_path

log = logging.getLogger("tfvae")


def fit(
    config: Config, run: str = "", *, overwrite: bool = False, resume: bool = False, say: Callable[[str], None] = print
) -> tuple[TextVAE, Run]:
    """Trains what a configuration describes, and leaves a run directory.

    Args:
      config: a validated configuration, as from `tfvae.models.registry.resolve`.
      run: the directory; by default named after the configuration, under runs/.
      overwrite: replace a run that is there.
      resume: go on with a run that is there, from its last whole epoch: figures equal those of a run that was never stopped.
      say: hears of each stage, a line each.

    Returns:
      the model with the weights of the selected epoch, and its run directory.

    Raises:
      UserError: bad data or settings, a run directory that may not be used, or a loss that is no number.
    """
    place = Run(run or default_path(config, resolve(config.model, config.data.name)))
    corpus = corpora.read(config.data, config.training.seed)
    vocabulary = _vocabulary(config, corpus)
    train, valid = (tokenize(config, corpus, name, vocabulary) for name in ("train", "valid"))
    place.create(config, overwrite=overwrite, resume=resume)
    _check_vocabulary(place, vocabulary)
    say(
        f"{config.data.name}: {len(train):,} training and {len(valid):,} validation sentences, {vocabulary.size:,} words; "
        f"{config.model} into {place.path}"
    )
    model = TextVAE(vocabulary, build_vae(config, vocabulary.size))
    _train(config, model.vae, train, valid, place, say)
    _load_weights(model.vae, place)
    return model, place


def load(run: str) -> TextVAE:
    """Loads the selected epoch of a run.

    Raises:
      UserError: the directory holds no run, or one without a whole epoch.
    """
    place = Run(run)
    config = place.config()
    vocabulary = Vocabulary.load(place.vocabulary_file, lowercase=config.data.lowercase, split_punctuation=config.data.split_punctuation)
    model = TextVAE(vocabulary, build_vae(config, vocabulary.size))
    _load_weights(model.vae, place)
    return model


def _load_weights(vae: VAE, run: Run) -> None:
    if not run.weights_file.exists():
        raise UserError(f"--run={run.path}: no epoch was completed there; train it further with --resume")
    try:
        vae.load_weights(run.weights_file)
    except (OSError, ValueError, KeyError):
        raise UserError(f"{run.weights_file} is damaged or of another model: train anew with --overwrite") from None


def tokenize(config: Config, corpus: Corpus, split: str, vocabulary: Vocabulary) -> Examples:
    """Turns a split into ids: training sentences are cut to train_max_length, the others to eval_max_length."""
    longest = config.data.eval_max_length
    if split == "train" and config.data.train_max_length:
        longest = min(longest, config.data.train_max_length)
    return tokenize_split(corpus.split(split), vocabulary, longest, ceiling=config.data.eval_max_length)


def _vocabulary(config: Config, corpus: Corpus) -> Vocabulary:
    data = config.data
    return Vocabulary.from_texts(
        corpus.train.texts,
        size=data.vocabulary_size,
        min_count=data.min_count,
        lowercase=data.lowercase,
        split_punctuation=data.split_punctuation,
    )


def _check_vocabulary(run: Run, vocabulary: Vocabulary) -> None:
    """Writes the vocabulary of a new run, or checks that a resumed one has the same."""
    if not run.vocabulary_file.exists():
        vocabulary.save(run.vocabulary_file)
    elif Vocabulary.load(run.vocabulary_file).words != vocabulary.words:
        raise UserError(f"{run.vocabulary_file} differs from the corpus's vocabulary: the texts have changed since; use --overwrite")


def _train(config: Config, vae: VAE, train: Examples, valid: Examples, run: Run, say: Callable[[str], None]) -> None:
    training, data = config.training, config.data
    vae.compile(optimizer=keras.optimizers.Adam(training.learning_rate), jit_compile=False)
    vae.optimizer.build(vae.trainable_variables)
    steps = steps_per_epoch(train, data.batch_size)
    selection, warning = Selection(training, run), CollapseWarning(log.warning)
    lines = EpochLines(steps, selection, say)
    saver = Saver(Checkpoint(run.checkpoint_dir, vae), {"selection": selection, "warning": warning})
    done = saver.restore()
    if not done and len(run.read_metrics()) > 1:
        raise UserError(f"{run.checkpoint_dir} holds no checkpoint, so the run cannot go on: train anew with --overwrite")
    run.keep_epochs(done)
    run.extend(training.epochs)
    if done:
        say(f"resumed after epoch {done}")
    if selection.memory["stopped"] or done >= training.epochs:
        say(f"training had ended: {selection.memory['stopped'] or f'{done} epochs'}")
        return
    callbacks = [StopOnNaN(), selection, Journal(run), warning, lines]
    if training.snapshot_sentences:
        callbacks.append(Snapshots(run, _fixed_sentences(valid, training.snapshot_sentences)))
    try:
        vae.fit(
            training_batches(train, data.batch_size, training.seed, first_epoch=done, epochs=training.epochs),
            validation_data=evaluation_batches(valid, data.eval_batch_size),
            steps_per_epoch=steps,
            initial_epoch=done,
            epochs=training.epochs,
            callbacks=[*callbacks, saver],
            verbose=0,
            shuffle=False,
        )
    finally:
        lines.close()
    memory = selection.memory
    say(f"kept epoch {memory['best_epoch']}" + (f"; stopped: {memory['stopped']}" if memory["stopped"] else ""))


def _fixed_sentences(valid: Examples, num: int) -> dict[str, tf.Tensor]:
    """Returns `num` sentences spread over the validation split, as one batch."""
    chosen = np.unique(np.linspace(0, len(valid) - 1, min(num, len(valid))).astype(np.int32))
    return valid.batch(chosen)
