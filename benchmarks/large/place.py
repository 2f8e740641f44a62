"""A folder with a corpus in it and what is made of that; each is made once and found again."""

import os
import pathlib
from collections.abc import Callable

from benchmarks.commands import command
from benchmarks.large.sentences import write_sentences
from benchmarks.large.watched import watch

_FLAGS = ("--model=dem_vae", "--batch_size=64", "--epochs=4", "--config.training.noise=example")
FEW = 500_000
"""Sentences that are few: a process holds them in memory."""


class Place:
    """The folder."""

    def __init__(self, folder: str | os.PathLike, sentences: int, lines: int, steps: int) -> None:
        """Takes a folder, how many sentences there are, how many of them are encoded, and updates of a training, in four epochs."""
        self.folder, self.sentences, self.lines, self.steps = pathlib.Path(folder), sentences, lines, steps
        self.folder.mkdir(parents=True, exist_ok=True)

    def corpus(self) -> pathlib.Path:
        """Returns the text."""
        return self._made("corpus.txt", lambda path: write_sentences(path, self.sentences))

    def head(self, count: int) -> pathlib.Path:
        """Returns a file of the first lines of the text."""
        return self._made(f"head-{count}.txt", lambda path: _copy(self.corpus(), path, count))

    def shards(self) -> pathlib.Path:
        """Returns the text in shards."""
        return self._made("shards", lambda path: watch(sharding(self.corpus(), path)))

    def small_shards(self) -> pathlib.Path:
        """Returns some of it in shards, with a validation split of no account."""
        return self._made("small-shards", lambda path: watch(sharding(self.head(FEW), path)))

    def run(self) -> pathlib.Path:
        """Returns a run that was trained on the shards."""
        return self._made("run", lambda path: watch(training(path, self.shards(), self.steps // 4)))

    def small_run(self) -> pathlib.Path:
        """Returns a run of networks of 64 units that was trained for a moment."""
        small = [f"--config.{part}.{size}_dim=64" for part in ("encoder", "decoder") for size in ("embedding", "hidden")]
        return self._made("small-run", lambda path: watch(training(path, self.small_shards(), 50, *small)))

    def _made(self, name: str, make: Callable[[pathlib.Path], object]) -> pathlib.Path:
        """The file or folder of a name, there whole or made under another one first."""
        path = self.folder / name
        if not path.exists():
            begun = self.folder / f"begun-{name}"
            make(begun)
            begun.rename(path)
        return path


def sharding(source: pathlib.Path, target: pathlib.Path) -> list[str]:
    """Returns the words of sharding by two workers, ten thousandths held out."""
    return command("shard", f"--input={source}", f"--output={target}", "--held_out=0.0001", "--workers=2")


def training(run: pathlib.Path, shards: pathlib.Path, epoch_steps: int, *more: str) -> list[str]:
    """Returns the words of a training on shards; all that is not said is as the model has it."""
    own = ["--data=shards", f"--config.data.dir={shards}", f"--run={run}", f"--config.training.epoch_steps={epoch_steps}"]
    return command("train", *_FLAGS, *own, *more)


def _copy(source: pathlib.Path, target: pathlib.Path, count: int) -> None:
    with source.open("rb") as lines, target.open("wb") as file:
        file.writelines(line for _, line in zip(range(count), lines, strict=False))
