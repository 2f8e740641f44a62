"""Evaluation of a run: groups of figures, each kept as soon as it is there."""

import hashlib
import json
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.data import corpora
from tfvae.data.corpus import SPLITS, Split
from tfvae.data.files import write_text
from tfvae.errors import UserError, suggest
from tfvae.evaluation.figure import Figure
from tfvae.evaluation.metrics import METRICS, USUAL, reason_absent, usual
from tfvae.evaluation.subject import Subject
from tfvae.models.precision import resolve_precision
from tfvae.progress import Progress, no_progress
from tfvae.training.fit import load
from tfvae.training.run import Run, versions
from tfvae.training.zoo import find

__all__ = ["METRICS", "USUAL", "evaluate", "figures_of", "read_evaluation", "reason_absent", "split_evaluation"]


def evaluate(
    run: str,
    split: str = "test",
    metrics: Sequence[str] | None = None,
    *,
    seed: int = 0,
    samples: int = 500,
    sentences: int = 1000,
    generated: int = 40_000,
    word_vectors: str = "",
    overwrite: bool = False,
    progress: Progress = no_progress,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Computes figures of a trained model on a split of its corpus and keeps them in the run's evaluation.json.

    A group that is there, of the same weights, texts, settings and version of tfvae, is not computed again: an evaluation that was stopped
    goes on. Those of other weights are dropped.

    Args:
      run: the run directory.
      split: train, valid or test.
      metrics: names of groups, of METRICS; None: those that are usual for what the examples are.
      seed: of what is drawn.
      samples: posterior samples of the importance-weighted likelihood.
      sentences: how many of the split's examples that is made of, drawn by the seed; 0: all.
      generated: items drawn from the prior.
      word_vectors: file of vectors that answers are compared by, as GloVe and fastText write them; empty: learnt from the training split.
      overwrite: compute the groups again even so.
      progress: shows how far long loops are.
      say: hears of what is done and of what does not apply, a line each.

    The sentences that "samples" draws are left in samples.txt, one a line.

    Returns:
      what evaluation.json has of the split: "metrics", for each group its "figures" or the reason why there are "absent", "settings",
      "precision" of products, "seconds", "versions" and the checksum of the split's "texts"; "weights", the checksum of what was evaluated.

    Raises:
      UserError: an unknown group or split, a run that holds no model, or a corpus that cannot be read.
    """
    for name in metrics or ():
        if name not in METRICS:
            raise UserError(f"--metrics={name}: no such group of figures{suggest(name, METRICS)}")
    if split not in SPLITS:
        raise UserError(f"--split={split}: no such split{suggest(split, SPLITS)}")
    for name, number, least in (("samples", samples, 1), ("sentences", sentences, 0), ("generated", generated, 1)):
        if number < least:
            raise UserError(f"--{name}={number}: must be at least {least}")
    place = find(run, writes=True)
    config = place.config()
    model = load(run)
    corpus = corpora.read(config.data)
    drawn: dict[str, Any] = {"seed": seed, "samples": samples, "sentences": sentences, "generated": generated}
    subject = Subject(model, config, corpus, split, **drawn, progress=progress, word_vectors=word_vectors)
    metrics = usual(subject) if metrics is None else metrics
    if sentences > len(subject.data) and "likelihood" in metrics:
        say(f"--sentences={sentences:,}: the split has {len(subject.data):,}, all of which are taken")
    if generated > len(corpus.train) and any(name.startswith("reverse_perplexity") for name in metrics):
        say(f"--generated={generated:,}: training has {len(corpus.train):,} sentences; reverse perplexity takes as many generated ones")
    if split == "train" and "labels" in metrics and not reason_absent("labels", subject):
        say("--split=train: probes, votes and baselines are fitted to these texts, and flattered by them")
    kept = _of_these_weights(place, split)
    kept |= {"model": config.model, "corpus": config.data.name, "split": split}
    now = versions()
    texts = _checksum(subject.data)
    for name in METRICS:
        if name not in metrics:
            continue
        group: dict[str, Any] = {"settings": {key: getattr(subject, key) for key in METRICS[name].depends}, "texts": texts}
        there = kept["metrics"].get(name, {})
        start = time.monotonic()
        if reason := reason_absent(name, subject):
            group |= {"absent": reason, "versions": now}
            say(f"{name}: {reason}")
        elif not overwrite and "figures" in there and _same(there, group, now):
            say(f"{name}: is there")
            continue
        else:
            figures = [figure.to_dict() for figure in METRICS[name].function(subject)]
            group |= {"seconds": round(time.monotonic() - start, 1), "versions": now, "figures": figures}
            group["precision"] = resolve_precision(config.training.precision)
            say(f"{name}: {group['seconds']} s")
        if name == "samples" and "figures" in group:
            write_text(place.path / "samples.txt", "".join(f"{text}\n" for text in subject.from_prior(generated)))
        kept["metrics"][name] = group
        _keep(place, split, kept)
    return kept


def _of_these_weights(run: Run, split: str) -> dict[str, Any]:
    """What was evaluated of the split; nothing, and no sentences either, where that was of other weights."""
    weights = checksum(run)
    kept = read_evaluation(run).get(split, {})
    if kept.get("weights") == weights:
        return dict(kept)
    if kept:
        (run.path / "samples.txt").unlink(missing_ok=True)
    return {"weights": weights, "metrics": {}}


def _same(there: Mapping[str, Any], group: Mapping[str, Any], now: Mapping[str, str]) -> bool:
    """Whether a group that is there would come out the same."""
    return all(there.get(key) == value for key, value in group.items()) and there.get("versions", {}).get("tfvae") == now["tfvae"]


def checksum(run: Run) -> str:
    """Returns the SHA-256 of a run's weights."""
    return hashlib.sha256(run.weights_file.read_bytes()).hexdigest()


def _checksum(texts: Split) -> str:
    sums = hashlib.sha256()
    for item in texts.items:
        sums.update(item.encode() + b"\n" if isinstance(item, str) else np.ascontiguousarray(item).tobytes())
        sums.update("\n".join(said.text for said in getattr(item, "context", ())).encode())
    for label, values in texts.labels.items():
        sums.update(label.encode() + np.asarray(values).astype("<i8").tobytes())
    return sums.hexdigest()


def evaluation_file(run: Run) -> pathlib.Path:
    """Returns the path of a run's evaluation.json."""
    return run.path / "evaluation.json"


def read_evaluation(run: Run) -> dict[str, Any]:
    """Returns what evaluation.json holds by split; nothing where there is none.

    Raises:
      UserError: the file is damaged.
    """
    file = evaluation_file(run)
    if not file.exists():
        return {}
    try:
        return dict(json.loads(file.read_text()))
    except (ValueError, TypeError):
        raise UserError(f"{file} is damaged: delete it and evaluate again") from None


def split_evaluation(run: Run, split: str) -> dict[str, Any]:
    """Returns what evaluation.json holds of one split.

    Raises:
      UserError: there is nothing of it, the file is damaged, or the run was trained further since; a run of which only small files were
        kept has no weights to hold it against.
    """
    evaluation = read_evaluation(run).get(split)
    command = f"scripts/evaluate.py --run={run.path} --split={split}"
    if not evaluation:
        raise UserError(f"--run={run.path}: was not evaluated on {split}; do that first: {command}")
    if run.weights_file.exists() and checksum(run) != evaluation.get("weights"):
        raise UserError(f"--run={run.path}: was trained further since it was evaluated; do that again: {command}")
    return dict(evaluation)


def _keep(run: Run, split: str, values: Mapping[str, Any]) -> None:
    write_text(evaluation_file(run), json.dumps({**read_evaluation(run), split: values}, indent=1) + "\n")


def figures_of(evaluation: Mapping[str, Any]) -> list[Figure]:
    """Returns the figures of one split's evaluation, in order."""
    groups = evaluation.get("metrics", {})
    return [Figure.from_dict(values) for name in METRICS if name in groups for values in groups[name].get("figures", ())]
