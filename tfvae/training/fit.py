"""Training from a configuration to a run directory."""

import logging
from collections.abc import Callable, Sequence

import keras

from tfvae.config import Config
from tfvae.data import corpora
from tfvae.data.batching import Examples, evaluation_batches, spread, steps_per_epoch, tokenize_split, training_batches
from tfvae.data.corpus import Corpus
from tfvae.data.tokenizers import learn_vocabulary, load_vocabulary
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError, suggest
from tfvae.latents.latent import Latent
from tfvae.latents.point import PointLatent
from tfvae.models.build import build_vae
from tfvae.models.precision import resolve_precision
from tfvae.models.registry import resolve
from tfvae.models.text_vae import TextVAE
from tfvae.models.vae import VAE
from tfvae.training.adam import Adam
from tfvae.training.callbacks import CollapseWarning, FitPrior, Journal, Samples, Saver, Selection, Snapshots, StopOnNaN
from tfvae.training.checkpoint import Checkpoint
from tfvae.training.progress import EpochLines
from tfvae.training.run import Run, default_path

log = logging.getLogger("tfvae")
OPTIMIZERS = {"adam": Adam, "sgd": keras.optimizers.SGD}
FITTED_SENTENCES = 10_000
"""Training sentences, at most, that an auto-encoder's prior is fitted to."""


def fit(
    config: Config,
    run: str = "",
    *,
    corpus: Corpus | None = None,
    vocabulary: Vocabulary | None = None,
    overwrite: bool = False,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    bar: bool = True,
    say: Callable[[str], None] = print,
) -> tuple[TextVAE, Run]:
    """Trains what a configuration describes, and leaves a run directory.

    Args:
      config: a validated configuration, as from `tfvae.models.registry.resolve`.
      run: the directory; by default named after the configuration, under runs/.
      corpus: texts to train on; by default those that the configuration names, which later commands read again.
      vocabulary: by default learnt from the training texts.
      overwrite: replace a run that is there.
      resume: go on with a run that is there, from its last whole epoch: figures equal those of a run that was never stopped.
      callbacks: others of yours, run before the checkpoint of an epoch is written.
      bar: whether a terminal shows how far an epoch is.
      say: hears of each stage, a line each.

    Returns:
      the model with the weights of the selected epoch, and its run directory.

    Raises:
      UserError: bad data or settings, a run directory that may not be used, or a loss that is no number.
    """
    place = Run(run or default_path(config, usual(config)))
    config = Config.from_dict(config.to_dict())
    config.training.precision = resolve_precision(config.training.precision)  # what the run keeps is what was done
    corpus = corpora.read(config.data) if corpus is None else corpus
    vocabulary = learn_vocabulary(corpus.train.texts, config.data) if vocabulary is None else vocabulary
    train, valid = (tokenize(config, corpus, name, vocabulary) for name in ("train", "valid"))
    steps = steps_per_epoch(train, config.data.batch_size)
    vae = build_vae(config, vocabulary.size, steps_per_epoch=steps)
    model = TextVAE(vocabulary, vae, max_length=config.data.eval_max_length)
    if config.training.init_from and not (resume and place.checkpoint_dir.exists()):
        _initialize_from_run(model, config, place)
    place.create(config, overwrite=overwrite, resume=resume)
    _check_vocabulary(place, vocabulary)
    say(
        f"{corpus.name}: {len(train):,} training and {len(valid):,} validation sentences, {vocabulary.size:,} words; "
        f"{config.model} in {config.training.precision} into {place.path}"
    )
    _train(config, model, corpus, train, valid, place, callbacks, bar, say)
    _load_weights(model.vae, place)
    return model, place


def load(run: str, *, precision: str = "") -> TextVAE:
    """Loads the selected epoch of a run.

    Args:
      run: the run directory.
      precision: of the networks' products, float32, bfloat16 or auto; "" is what the run was trained with.

    Raises:
      UserError: the directory holds no run, or one without a whole epoch.
    """
    place = Run(run)
    config = place.config()
    config.training.precision = precision or config.training.precision
    vocabulary = load_vocabulary(place.vocabulary_file, config.data)
    model = TextVAE(vocabulary, build_vae(config, vocabulary.size), max_length=config.data.eval_max_length)
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


def usual(config: Config) -> Config:
    """Returns what the names of a configuration's model, corpus and preset stand for, the preset itself counting as a change."""
    preset = config.training.preset
    settings = resolve(config.model, config.data.name, overrides={"training.preset": preset} if preset else None)
    settings.training.preset = ""
    return settings


def _check_vocabulary(run: Run, vocabulary: Vocabulary) -> None:
    """Writes the vocabulary of a new run, or checks that a resumed one has the same."""
    if not run.vocabulary_file.exists():
        vocabulary.save(run.vocabulary_file)
    elif type(vocabulary).load(run.vocabulary_file).words != vocabulary.words:
        raise UserError(f"{run.vocabulary_file} differs from the corpus's vocabulary: the texts have changed since; use --overwrite")


def _train(
    config: Config,
    model: TextVAE,
    corpus: Corpus,
    train: Examples,
    valid: Examples,
    run: Run,
    more: Sequence[keras.callbacks.Callback],
    bar: bool,
    say: Callable[[str], None],
) -> None:
    training, data, vae = config.training, config.data, model.vae
    vae.compile(optimizer=OPTIMIZERS[training.optimizer](training.learning_rate), jit_compile=False)
    vae.optimizer.build(vae.trainable_variables)
    steps = steps_per_epoch(train, data.batch_size)
    selection, warning = Selection(training, run), CollapseWarning(log.warning)
    lines = EpochLines(steps, selection, say, bar=bar)
    saver = Saver(Checkpoint(run.checkpoint_dir, vae), {"selection": selection, "warning": warning})
    done = saver.restore()
    if not done and len(run.read_metrics()) > 1:
        raise UserError(f"{run.checkpoint_dir} holds no checkpoint, so the run cannot go on: train anew with --overwrite")
    run.keep_epochs(done)
    run.extend(training.epochs)
    if done:
        say(f"resumed after epoch {done}")
    elif training.init_from:
        say(f"{training.init_parts} from {training.init_from}")
    if selection.memory["stopped"] or done >= training.epochs:
        say(f"training had ended: {selection.memory['stopped'] or f'{done} epochs'}")
        return
    journal = Journal(run)
    callbacks = [StopOnNaN(), selection, journal, warning, lines, Samples(model, journal.writer)]
    if isinstance(vae.latent, PointLatent):
        callbacks.insert(1, FitPrior(evaluation_batches(train, data.eval_batch_size, spread(len(train), FITTED_SENTENCES))))
    if training.snapshot_sentences:
        shown = spread(len(valid), training.snapshot_sentences)
        callbacks.append(Snapshots(run, valid.batch(shown), corpus.valid.take(shown), corpus.label_names))
    try:
        vae.fit(
            training_batches(train, data.batch_size, training.seed, first_epoch=done, epochs=training.epochs),
            validation_data=evaluation_batches(valid, data.eval_batch_size),
            steps_per_epoch=steps,
            initial_epoch=done,
            epochs=training.epochs,
            callbacks=[*callbacks, *more, saver],
            verbose=0,
            shuffle=False,
        )
    finally:
        lines.close()
    memory = selection.memory
    say(f"kept epoch {memory['best_epoch']}" + (f"; stopped: {memory['stopped']}" if memory["stopped"] else ""))


def _initialize_from_run(model: TextVAE, config: Config, place: Run) -> None:
    source = Run(config.training.init_from)
    if source.path.resolve() == place.path.resolve():
        raise UserError(f"--init_from={source.path} is the run itself: name another, or go on with this one by --resume")
    initialize(model, load(config.training.init_from), config.training.init_parts)


def initialize(model: TextVAE, source: TextVAE, parts: str) -> None:
    """Gives a model weights of parts of another, as in pretraining by an auto-encoder.

    Args:
      model: to be trained.
      source: trained before, with the same vocabulary.
      parts: of encoder, latent and decoder, with commas between.

    Raises:
      UserError: another vocabulary, an unknown part, or parts of other kinds or sizes.
    """
    if source.vocabulary.words != model.vocabulary.words:
        raise UserError("--init_from: that run's vocabulary differs from this corpus's: train both on the same texts and settings of data")
    for name in (part.strip() for part in parts.split(",")):
        if name not in ("encoder", "latent", "decoder"):
            raise UserError(f"--parts={parts}: {name!r} is not a part{suggest(name, ('encoder', 'latent', 'decoder'))}")
        own, other = getattr(model.vae, name), getattr(source.vae, name)
        if not own.weights:
            raise UserError(f"--parts={parts}: this model's {name} has no weights; leave it out")
        try:
            if isinstance(own, Latent):
                own.initialize_from(other)
            else:
                own.set_weights(other.get_weights())
        except ValueError as error:
            raise UserError(f"--init_from: the {name} does not fit: {str(error).splitlines()[0]}; leave it out of --parts") from None
