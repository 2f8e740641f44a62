"""Training from a configuration to a run directory."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfvae.config import Config
from tfvae.config.labels import supervised
from tfvae.data import corpora
from tfvae.data.batching import evaluation_batches, spread, steps_per_epoch, training_batches
from tfvae.data.columns import labelled
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.labelled_texts import LabelledTexts, corpus_of
from tfvae.errors import UserError
from tfvae.modalities.modality import Examples, Modality
from tfvae.models.build import build_vae
from tfvae.models.labels import load_labels, save_labels
from tfvae.models.model import Model
from tfvae.models.precision import resolve_precision
from tfvae.models.topics import Topics
from tfvae.models.vae import VAE
from tfvae.registry import resolve
from tfvae.registry.applicable import modality_of
from tfvae.registry.parts import TABLES
from tfvae.training.adam import SGD, Adam
from tfvae.training.aggressive import MEASURED, Aggressive
from tfvae.training.callbacks import CollapseWarning, FitPrior, Journal, Samples, Saver, Selection, Snapshots, StopOnNaN
from tfvae.training.changes import changed_fields, default_path, far_from
from tfvae.training.checkpoint import Checkpoint
from tfvae.training.contents import KEPT_FEATURES, kept_texts
from tfvae.training.hints import Hints, hints_of
from tfvae.training.initialize import check_not_itself, freeze, initialize, named_parts
from tfvae.training.progress import EpochLines
from tfvae.training.run import Run
from tfvae.training.supervision import SupervisedExamples, supervision_of
from tfvae.training.weights import load_weights
from tfvae.training.word_vectors import begin_with_vectors
from tfvae.training.workers import Workers
from tfvae.training.zoo import find

log = logging.getLogger("tfvae")
OPTIMIZERS = {"adam": Adam, "sgd": SGD}
FITTED = 10_000
"""Training examples, at most, that an auto-encoder's prior is fitted to."""


def fit(
    config: Config | None = None,
    run: str = "",
    *,
    texts: Any = None,
    labels: Any = None,
    features: Any = None,
    corpus: Corpus | None = None,
    modality: Modality | None = None,
    overwrite: bool = False,
    resume: bool = False,
    strategy: tf.distribute.Strategy | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    bar: bool = True,
    say: Callable[[str], None] = print,
) -> tuple[Model, Run]:
    """Trains what a configuration describes, and leaves a run directory.

    Args:
      config: a validated configuration, as from `tfvae.registry.resolve`, of the corpus text where texts are given; by default code_vae's.
      run: the directory; by default named after the configuration, under runs/.
      texts: what to train on, a list, an array or a column of strings, as `tfvae.data.columns.strings` takes them; kept in the run.
      labels: of the texts, or several by name; figures of later evaluations are held against them, training is not.
      features: of the texts, numbers [N, F], such as sentence embeddings, which codes and posteriors are then read from; kept too.
      corpus: what to train on; by default what the configuration names, which later commands read again. Where it names none, as of the
        corpus text without a file, it is kept in the run too; else later commands read what is named.
      modality: what an example is; by default learnt from the training split.
      overwrite: replace a run that is there.
      resume: go on with a run that is there, from its last whole epoch: figures equal those of a run that was never stopped.
      strategy: replicas that share each batch, as from `tfvae.training.workers.strategy_of`: figures are those of one replica, but for
        rounding, if its noise too is that of examples. Of several processes, all of which must see the same files, one writes.
      callbacks: others of yours, run before the checkpoint of an epoch is written.
      bar: whether a terminal shows how far an epoch is.
      say: hears of each stage, a line each.

    Returns:
      the model with the weights of the selected epoch, and its run directory.

    Raises:
      UserError: bad data or settings, a run directory that may not be used, or a loss that is no number.
    """
    if config is None:
        config = resolve("code_vae", Config().data.name if texts is None and corpus is None else "text")
    if features is not None and not config.data.features:
        own = {**changed_fields(config, usual(config)), "training.seed": config.training.seed, "data.features": KEPT_FEATURES}
        config = resolve(config.model, config.data.name, base=own)
    place = Run(run or default_path(config, usual(config)))
    config = Config.from_dict(config.to_dict())
    config.training.precision = resolve_precision(config.training.precision)  # what the run keeps is what was done
    workers = Workers(strategy)
    if workers.strategy is not None:
        if config.training.aggressive:
            raise UserError("config.training.aggressive is for one replica: without --strategy")
        config.training.noise = "example"
        if workers.replicas % config.data.groups and workers.replicas > 1:
            groups = f"config.data.groups = {config.data.groups}"
            raise UserError(f"{groups}: {workers.replicas} replicas cannot have the same number of groups each, or groups of them")
    given = _given(texts, labels, features, corpus, config, place)
    if given:
        corpus = corpora.head(corpus_of(given, config.data), config.data)
    corpus = corpora.read(config.data) if corpus is None else corpus
    modality = modality_of(config).learn(corpus, config.data) if modality is None else modality
    train = modality.examples(corpus.train, training=True, seed=config.training.seed)
    valid = modality.examples(corpus.valid)
    supervision = supervision_of(config, corpus)
    if supervision.labels:
        train = SupervisedExamples(train, supervision.training_codes(corpus.train))
        valid = SupervisedExamples(valid, supervision.codes(corpus.valid))
    steps = _steps_of_an_epoch(config, train)
    with workers.scope():
        vae = build_vae(config, modality.shape, steps_per_epoch=steps)
    model, shared, hints = Model(modality, vae), "", Hints()
    begun = resume and place.checkpoint_dir.exists()
    if not begun:
        found = hints_of(config, corpus, modality)
        hints = (Hints() if "inference" in named_parts(config) else found).beside(supervision, corpus.train)
        shared = begin_with_vectors(model, config.training.embeddings) if config.training.embeddings else ""
    if config.training.init_from and not begun:
        check_not_itself(place, config.training.init_from)
        shared += initialize(model, load(config.training.init_from), named_parts(config))
    freeze(model, config)
    say = say if workers.chief else _nothing
    with place.writing(config, overwrite=overwrite, resume=resume) if workers.chief else contextlib.nullcontext():
        if workers.chief:
            for split, part in given.items():
                place.keep_texts(part, split)
            _keep(modality, place, config)
            if supervision.labels:
                save_labels(supervision.labels, place.path)
        say(
            f"{corpus.name}: {len(train):,} training and {len(valid):,} validation {modality.item}s, {modality.describe()}; "
            f"{config.model} in {config.training.precision} into {place.path}"
            + (f"; {workers.replicas} replicas" if workers.replicas > 1 else "")
        )
        with workers.together():
            _train(config, model, corpus, train, valid, place, workers, callbacks, bar, say, shared, hints)
            workers.wait()
        load_weights(model.vae, place)
    return _held(config, modality, vae, place), place


def load(run: str, *, precision: str = "") -> Model:
    """Loads the selected epoch of a run.

    Args:
      run: the run directory, or a name, such as "demo", that `tfvae.training.zoo.find` knows.
      precision: of the networks' products, float32, bfloat16 or auto; "" is what the run was trained with.

    Raises:
      UserError: the directory holds no run, or one without a whole epoch.
    """
    place = find(run)
    config = place.config()
    config.training.precision = precision or config.training.precision
    modality = modality_of(config).load(place.path, config.data)
    vae = build_vae(config, modality.shape)
    load_weights(vae, place)
    return _held(config, modality, vae, place)


def _held(config: Config, modality: Modality, vae: VAE, run: Run) -> Model:
    """The model with what its run says of its codes."""
    topics = Topics.load(run.path, vae.latent.num_variables, vae.latent.num_components)
    return Model(modality, vae, topics, load_labels(run.path, supervised(config.objective.labels)))


def usual(config: Config) -> Config:
    """Returns what the names of a configuration's model, corpus and preset stand for, the preset itself counting as a change.

    So do kinds of parts that are not the corpus's own, but not what suits those kinds.
    """
    preset, own = config.training.preset, resolve(config.model, config.data.name)
    kinds = {f"{section}.kind": getattr(config, section).kind for section in TABLES}
    base = {path: kind for path, kind in kinds.items() if kind != own.flat()[path]}
    base |= {"data.features": config.data.features} if config.data.features else {}
    base |= {"data.context": config.data.context} if config.data.context else {}
    settings = resolve(config.model, config.data.name, overrides={"training.preset": preset} if preset else None, base=base)
    settings.training.preset, settings.data.features, settings.data.modality = "", "", own.data.modality
    settings.data.context = own.data.context
    for path in base.keys() & kinds.keys():
        section = path.partition(".")[0]
        getattr(settings, section).kind = getattr(own, section).kind
    return settings


def _given(texts: Any, labels: Any, features: Any, corpus: Corpus | None, config: Config, place: Run) -> dict[str, LabelledTexts]:
    """Texts from memory by split, of which the run keeps copies, and a configuration that reads those; nothing where it names its own."""
    data = config.data
    unnamed = data.name in corpora.FILES and not data.train_file
    if texts is None:
        if corpus is None or not unnamed:
            return {}
        given = {split: _with_names(corpus.split(split), corpus) for split in SPLITS}
    else:
        if corpus is not None:
            raise UserError("texts and a corpus are two things to train on: give one")
        if not unnamed:
            said = f"the file {data.train_file}" if data.train_file else f"the corpus {data.name}"
            raise UserError(f"texts are given, and the configuration names {said}: take tfvae.resolve({config.model!r}, 'text')")
        given = {"train": labelled(texts, labels, features)}
    data.name, data.dir, data.label_column = "jsonl", str(place.path), ",".join(given["train"].labels)
    for split in given:
        setattr(data, f"{split}_file", kept_texts(split))
    return given


def _with_names(split: Split, corpus: Corpus) -> LabelledTexts:
    """A split of texts with the names of its classes, their numbers where they have none; of labels that all splits have."""
    shared = [label for label in split.labels if all(label in corpus.split(other).labels for other in SPLITS)]
    names = {label: corpus.label_names.get(label, range(max(split.labels[label], default=0) + 1)) for label in shared}
    named = {label: [str(names[label][number]) for number in split.labels[label]] for label in shared}
    return LabelledTexts.of_rows(split.items, named, split.origin)


def _nothing(message: str) -> None:
    """Says nothing, as those do who do not write."""


def _aggressive(config: Config, train: Examples, valid: Examples, say: Callable[[str], None]) -> dict[str, Aggressive]:
    """What trains the encoder ahead of the rest, by the name it remembers by; nothing where all are trained together."""
    training = config.training
    if not training.aggressive:
        return {}
    measured = valid.batch(spread(len(valid), MEASURED))
    own = {"most": training.aggressive, "batch_size": config.data.batch_size, "seed": training.seed}
    return {"aggressive": Aggressive(train, measured, **own, say=say)}


def _keep(modality: Modality, run: Run, config: Config) -> None:
    """Writes the modality of a new run, or checks that a resumed one has the same."""
    files = [run.path / name for name in modality.files]
    if not all(file.exists() for file in files):
        modality.save(run.path)
    elif not type(modality).load(run.path, config.data).same(modality):
        named = ", ".join(map(str, files))
        raise UserError(f"{named} differs from the corpus's {modality.learnt}: the {modality.name} have changed since; use --overwrite")


def _steps_of_an_epoch(config: Config, train: Examples) -> int:
    return config.training.epoch_steps or steps_per_epoch(train, config.data.batch_size)


def _train(
    config: Config,
    model: Model,
    corpus: Corpus,
    train: Examples,
    valid: Examples,
    run: Run,
    workers: Workers,
    more: Sequence[keras.callbacks.Callback],
    bar: bool,
    say: Callable[[str], None],
    shared: str,
    hints: Hints,
) -> None:
    training, data, vae = config.training, config.data, model.vae
    kind = OPTIMIZERS[training.optimizer]
    parts = {"in_parts": True} if training.aggressive and kind is Adam else {}
    with workers.scope():
        vae.compile(optimizer=kind(training.learning_rate, **parts), jit_compile=False)
        vae.optimizer.build(vae.trainable_variables)
    steps = _steps_of_an_epoch(config, train)
    selection, warning = Selection(training, run if workers.chief else None), CollapseWarning(log.warning)
    lines = EpochLines(steps, selection, say, item=model.modality.an_item, bar=bar)
    aggressive = _aggressive(config, train, valid, say)
    saver = Saver(Checkpoint(run.checkpoint_dir, vae), {"selection": selection, "warning": warning, **aggressive})
    workers.wait()  # for the chief, which may have deleted a run that was there
    done = saver.restore()
    if workers.chief:
        if not done and len(run.read_metrics()) > 1:
            raise UserError(f"{run.checkpoint_dir} holds no checkpoint, so the run cannot go on: train anew with --overwrite")
        run.keep_epochs(done)
        run.extend(training.epochs)
    if done:
        say(f"resumed after epoch {done}")
    elif training.init_from:
        say(f"{training.init_parts} from {training.init_from}{shared and f'; {shared}'}")
    elif shared:
        say(shared)
    if not done and "inference" not in named_parts(config):
        with workers.one_by_one(vae, lambda: build_vae(config, model.modality.shape)) as own:
            own.inference.start(train, training.seed, say, hints.codes)
    workers.agree(vae)
    if not done and hints.names and workers.chief:
        model.topics.called(hints.names).save(run.path)
    if selection.memory["stopped"] or done >= training.epochs:
        say(f"training had ended: {selection.memory['stopped'] or f'{done} epochs'}")
        return
    callbacks: list[keras.callbacks.Callback] = [StopOnNaN(far_from(config, usual(config))), selection]
    if vae.latent.fits_prior:
        callbacks.insert(1, FitPrior(evaluation_batches(train, data.eval_batch_size, spread(len(train), FITTED))))
    if workers.chief:
        journal = Journal(run)
        callbacks += [journal, warning, lines, Samples(model, journal.writer)]
    if training.snapshot_sentences and workers.chief:
        shown = spread(len(valid), training.snapshot_sentences)
        callbacks.append(Snapshots(run, valid.batch(shown), model.modality, corpus.valid.take(shown), corpus.label_names))
    try:
        epochs = {"first_epoch": done, "epochs": training.epochs, "epoch_steps": training.epoch_steps}
        vae.fit(
            workers.batches(lambda shares: training_batches(train, data.batch_size, training.seed, **epochs, shares=shares)),
            validation_data=workers.batches(lambda shares: evaluation_batches(valid, data.eval_batch_size, shares=shares)),
            validation_steps=-(-len(valid) // data.eval_batch_size),
            steps_per_epoch=steps,
            initial_epoch=done,
            epochs=training.epochs,
            callbacks=[*callbacks, *aggressive.values(), *more, *([saver] if workers.chief else [])],
            verbose=0,
            shuffle=False,
        )
    finally:
        lines.close()
    memory = selection.memory
    say(f"kept epoch {memory['best_epoch']}" + (f"; stopped: {memory['stopped']}" if memory["stopped"] else ""))
