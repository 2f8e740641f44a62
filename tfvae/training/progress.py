"""What a person sees while a model trains."""

import sys
import time
from collections.abc import Callable
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# Heading, key in the logs, width and decimals of each column; a column whose key a model has not is left out.
_COLUMNS = (
    ("w", "w", 5, 3),
    ("train", "loss", 8, 2),
    ("valid", "val_loss", 8, 2),
    ("-ELBO", "val_elbo", 8, 2),
    ("recon", "val_reconstruction", 8, 2),
    ("KL(z)", "val_kl_z", 7, 2),
    ("KL(c)", "val_kl_c", 7, 2),
    ("disp", "val_dispersion", 7, 2),
    ("MI", "val_mutual_information", 6, 2),
    ("var", "val_natural_variance", 9, 2),
    ("kappa", "val_kappa", 8, 2),
    ("ppl", "val_perplexity", 8, 2),
    ("bits/dim", "val_bits_per_dimension", 8, 4),
    ("use", "val_active_components", 5, 2),
)
_LEGEND = (
    "train: objective at w; the rest is validation at w = 1, nats {item}. recon: -log p(x|z); disp: dispersion, part of KL(z); "
    "MI: I(x;c) summed over variables; var: variance of the natural parameters; use: components in use, a variable; *: epoch kept"
)


class EpochLines(keras.callbacks.Callback):
    """A progress bar within an epoch, where a terminal shows it, and one line at its end."""

    def __init__(self, steps: int, selection: Any, say: Callable[[str], None], *, item: str, bar: bool = True) -> None:
        """Shows epochs of `steps` steps, by a bar unless `bar` is false, and lines, which go to `say`.

        `selection.memory` says which epoch is kept, `item` what an example is called, with its article.
        """
        super().__init__()
        self.legend = _LEGEND.format(item=item)
        self.steps, self.selection, self.say = steps, selection, say
        self.console = Console(file=sys.stderr)
        self.shown = bar and self.console.is_terminal
        self.bar: Progress | None = None
        self.titled = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts a bar."""
        self._started = time.monotonic()
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.shown,
        )
        self.bar.start()
        self._task = self.bar.add_task("", total=self.steps, epoch=epoch + 1, loss="")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        if self.bar:
            self.bar.update(self._task, completed=batch + 1, loss=f"loss {float(logs['loss']):.2f}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Prints the epoch's line, under headings the first time."""
        self.close()
        columns = [column for column in _COLUMNS if column[1] in logs]
        if not self.titled:
            self.say(self.legend)
            self.say("epoch " + " ".join(f"{heading:>{width}}" for heading, _, width, _ in columns) + "     time")
            self.titled = True
        values = {**logs, "val_elbo": -logs["val_elbo"]}
        cells = " ".join(_cell(float(values[key]), width, decimals) for _, key, width, decimals in columns)
        kept = "*" if self.selection.memory["best_epoch"] == epoch + 1 else " "
        self.say(f"{epoch + 1:>5} {cells} {time.monotonic() - self._started:>6.1f} s {kept}")

    def close(self) -> None:
        """Removes the bar."""
        if self.bar:
            self.bar.stop()
            self.bar = None


def _cell(value: float, width: int, decimals: int) -> str:
    """A number in as many characters, with as many decimals as there is room for."""
    texts = [f"{value:>{width}.{places}f}" for places in range(decimals, -1, -1)]
    return next((text for text in texts if len(text) <= width), f"{value:>{width}.1e}")
