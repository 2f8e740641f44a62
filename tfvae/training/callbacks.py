"""What happens at the end of an epoch, and what must be remembered from one to the next."""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae.config import TrainingConfig
from tfvae.data.corpus import Split
from tfvae.errors import UserError
from tfvae.modalities.modality import Modality
from tfvae.models.model import Model
from tfvae.models.vae import VAE
from tfvae.training.checkpoint import Checkpoint
from tfvae.training.collapse import collapse_messages
from tfvae.training.run import Run
from tfvae.training.tensorboard import write_hparams, write_projector
from tfvae.training.weights import save_weights

Logs = dict[str, Any] | None
ANNEALED = 0.99  # share of the final w from which patience and learning-rate decay count epochs


class StopOnNaN(keras.callbacks.Callback):
    """Ends training when the loss or a gradient is no number, before such weights are saved; the first to run."""

    def __init__(self, suspects: Sequence[str] = ()) -> None:
        """Names `suspects`, settings that may be why, in its message."""
        super().__init__()
        self.suspects = suspects

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Looks at the running means of the loss and of the gradients' norm."""
        self._check(logs, "loss", "gradient_norm")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Looks at the loss on validation."""
        self._check(logs, "val_loss")

    def _check(self, logs: Logs, *names: str) -> None:
        for name in names:
            value = float((logs or {})[name])
            if not math.isfinite(value):
                cure = "lower --config.training.learning_rate or --config.training.clip_norm"
                advice = f"{', '.join(self.suspects)}: take what is nearer, or {cure}" if self.suspects else cure
                raise UserError(
                    f"the {name} became {value} at step {int(self.model.step.numpy())}: training stopped, and the last good checkpoint is "
                    f"kept; {advice} and start again"
                )


def annealed(model: VAE, logs: Logs) -> bool:
    """Whether the regularisers have reached (nearly) the weight that their schedule ends at."""
    return logs is not None and float(logs["w"]) >= ANNEALED * model.objective.schedule.final


# By what `training.select` names: the figure whose lowest value is best.
_SELECTED: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "objective": lambda logs: float(logs["val_loss"]),
    "elbo": lambda logs: -float(logs["val_elbo"]),
    "label": lambda logs: float(logs["val_label"]),
}


class Selection(keras.callbacks.Callback):
    """Keeps the epoch that is best on validation, lowers the learning rate, and stops; epochs count once w is annealed.

    An epoch is kept when its figure is the lowest so far; it counts as an improvement when it is lower by a share `min_improvement`.
    """

    def __init__(self, config: TrainingConfig, run: Run | None) -> None:
        """Reads what to select by and how long to wait; without a run, epochs are selected and not kept."""
        super().__init__()
        self.config, self.run = config, run
        self.memory: dict[str, Any] = {
            "lowest": math.inf,
            "best_epoch": 0,
            "reference": math.inf,
            "waited": 0,
            "lr_waited": 0,
            "lr_fell": False,
            "stopped": "",
        }

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compares the epoch's figure; sets `memory["stopped"]` to the reason when training should end."""
        logs, memory, config = logs or {}, self.memory, self.config
        figure = _SELECTED[config.select](logs)
        if figure < memory["lowest"]:
            memory.update(lowest=figure, best_epoch=epoch + 1)
            if self.run is not None:
                save_weights(self.model, self.run)
        if figure < memory["reference"] - config.min_improvement * abs(memory["reference"]) or math.isinf(memory["reference"]):
            memory.update(reference=figure, waited=0, lr_waited=0)
        elif annealed(self.model, logs):
            memory.update(waited=memory["waited"] + 1, lr_waited=memory["lr_waited"] + (epoch + 1 > config.lr_wait))
        if annealed(self.model, logs):
            self._lower_or_stop()
        if memory["stopped"]:
            self.model.stop_training = True

    def _lower_or_stop(self) -> None:
        config, memory, optimizer = self.config, self.memory, self.model.optimizer
        due = config.lr_patience and memory["lr_waited"] >= config.lr_patience
        if due or (config.lr_keep_falling and memory["lr_fell"]):
            optimizer.learning_rate.assign(optimizer.learning_rate * config.lr_decay)
            memory.update(lr_waited=0, lr_fell=True)
        if config.patience and memory["waited"] >= config.patience:
            memory["stopped"] = f"no improvement for {config.patience} epochs"
        elif float(optimizer.learning_rate.numpy()) < config.min_learning_rate:
            memory["stopped"] = "the learning rate fell below its minimum"


class Journal(keras.callbacks.Callback):
    """Appends a line to metrics.jsonl and scalars to TensorBoard."""

    def __init__(self, run: Run) -> None:
        """Writes into the run's directory."""
        super().__init__()
        self.run = run
        self.writer = tf.summary.create_file_writer(str(run.tensorboard_dir))
        with self.writer.as_default():
            write_hparams(run.config())

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Starts the clock, and notes the learning rate before its decay."""
        self._started = time.monotonic()
        self._learning_rate = float(self.model.optimizer.learning_rate.numpy())

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Writes all of the epoch's figures."""
        values = {**{name: float(value) for name, value in (logs or {}).items()}, "learning_rate": self._learning_rate}
        aggregate = {f"val_{name}": value.numpy().tolist() for name, value in self.model.aggregates().items()}
        step = int(self.model.step.numpy())
        line = {"epoch": epoch + 1, "step": step, **values}
        for name, value in aggregate.items():
            line[name if name not in values else f"{name}_per_variable"] = value
        self.run.append_metrics({**line, "seconds": round(time.monotonic() - self._started, 2)})
        with self.writer.as_default(step=step):
            for name, value in values.items():
                where = name.replace("val_", "valid/", 1) if name.startswith("val_") else f"train/{name}"
                tf.summary.scalar(where, tf.constant(value, tf.float64))  # which TensorBoard has as infinite above float32
        self.writer.flush()


class FitPrior(keras.callbacks.Callback):
    """Fits the prior of a latent that has none of its own to the posterior means of training examples, before the epoch may be kept."""

    def __init__(self, batches: Any) -> None:
        """Takes the examples, in batches."""
        super().__init__()
        self.batches = batches
        self._mean = tf.function(lambda batch: self.model.latent.mean(self.model.encode(batch)), reduce_retracing=True, autograph=False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Encodes the examples and fits."""
        self.model.latent.fit_prior(np.concatenate([self._mean(batch).numpy() for batch in self.batches]))


class Samples(keras.callbacks.Callback):
    """Shows in TensorBoard what the prior and its components generate and how many validation examples each component has."""

    def __init__(self, model: Model, writer: tf.summary.SummaryWriter, num: int = 16, of_component: int = 2, most: int = 100) -> None:
        """Generates `num` items an epoch and `of_component` for each of at most `most` components, from the same noise each time."""
        super().__init__()
        self.generator, self.writer, self.num = model, writer, num
        latent = model.vae.latent
        shown = [(j, k) for j in range(latent.num_variables) for k in range(latent.num_components)][:most] if latent.has_codes else []
        self.components = np.repeat(np.array(shown, int).reshape(-1, 2), of_component, axis=0)
        self.held = np.full([num + len(self.components), latent.num_variables], -1)
        self.held[num + np.arange(len(self.components)), self.components[:, 0]] = self.components[:, 1]

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Writes the items, with their codes, and a histogram of codes a variable."""
        latent, modality = self.generator.vae.latent, self.generator.modality
        items, codes = self.generator.generate(len(self.held), component=self.held if latent.has_codes else None)
        noted = [" ".join(map(str, code)) if latent.has_codes else "" for code in codes[: self.num]]
        with self.writer.as_default(step=int(self.model.step.numpy())):
            modality.summarize("samples", "codes", noted, items[: self.num])
            for variable in np.unique(self.components[:, 0]):
                [own] = np.nonzero(self.components[:, 0] == variable)
                chosen = items[self.num + own[0] : self.num + own[-1] + 1]  # those of a variable are neighbours
                modality.summarize(f"components/variable_{variable}", "component", self.components[own, 1].tolist(), chosen)
            use = self.model.aggregates().get("component_use")
            for variable, shares in enumerate([] if use is None else use.numpy()):
                counts = np.round(shares * float(self.model.totals.result()["weight"])).astype(int)
                tf.summary.histogram(f"component_use/variable_{variable}", np.repeat(np.arange(len(shares)), counts), buckets=len(shares))
        self.writer.flush()


class Snapshots(keras.callbacks.Callback):
    """Keeps the prior's parameters and the posteriors of some fixed validation examples at each epoch."""

    def __init__(
        self, run: Run, batch: dict[str, tf.Tensor], modality: Modality, items: Split, label_names: Mapping[str, Sequence[str]]
    ) -> None:
        """Takes the examples as one batch, and as items with the names of their labels' classes, which the projector shows."""
        super().__init__()
        self.run, self.batch, self.modality, self.items, self.label_names = run, batch, modality, items, label_names
        self._graph = tf.function(lambda batch: self.model.encode(batch), autograph=False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Writes snapshots/epoch-NNNNN.npz."""
        latent = self.model.latent
        params = (self._graph if self.model.inference.iterates else self.model.encode)(self.batch)
        self.run.snapshot_dir.mkdir(exist_ok=True)
        partial = self.run.snapshot_dir / "partial.npz"
        np.savez(
            partial,
            index=self.batch["index"].numpy(),
            mean=latent.mean(params).numpy(),
            code_probabilities=latent.code_probabilities(params).numpy(),
            **latent.prior_parameters(),
        )
        os.replace(partial, self.run.snapshot_dir / f"epoch-{epoch + 1:05d}.npz")
        if latent.size:
            write_projector(
                self.run.tensorboard_dir,
                latent.mean(params).numpy(),
                latent.code_probabilities(params).numpy().argmax(-1) if latent.has_codes else None,
                {self.modality.item: self.modality.captions(self.items.items)},
                self.items,
                self.label_names,
            )


class CollapseWarning(keras.callbacks.Callback):
    """Says once, in plain words, that the posterior or the mixture has collapsed."""

    def __init__(self, warn: Any) -> None:
        """Speaks through `warn(message)`."""
        super().__init__()
        self.warn = warn
        self.memory = {"posterior": False, "mixture": False}

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Looks at validation figures once w is annealed."""
        if logs and annealed(self.model, logs):
            for what, message in collapse_messages(self.model, logs).items():
                if not self.memory[what]:
                    self.memory[what] = True
                    self.warn(message)


class Saver(keras.callbacks.Callback):
    """Saves a checkpoint, with the memory of the other callbacks; the last to run."""

    def __init__(self, checkpoint: Checkpoint, keepers: dict[str, Any]) -> None:
        """Saves the `memory` of each keeper under its name."""
        super().__init__()
        self.checkpoint, self.keepers = checkpoint, keepers

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Writes the checkpoint."""
        self.checkpoint.save(epoch + 1, {name: keeper.memory for name, keeper in self.keepers.items()})

    def restore(self) -> int:
        """Restores the latest checkpoint into the model and the keepers; returns the epochs done, 0 where there is none."""
        found = self.checkpoint.restore({name: keeper.memory for name, keeper in self.keepers.items()})
        if found is None:
            return 0
        epochs, memory = found
        for name, keeper in self.keepers.items():
            keeper.memory.update(memory[name])
        return epochs
