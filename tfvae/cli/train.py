"""tfvae-train: trains a model and shows what its busiest components generate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from tfvae.cli.command import config_from_flags, define_config_flags, run_command
from tfvae.cli.model import SMOKE, smoke_directory
from tfvae.training.run import Run

if TYPE_CHECKING:
    from tfvae.modalities.modality import Modality
    from tfvae.models.model import Model


SUMMARY = "Trains a model into a run directory and shows what its busiest components generate."
_SENTENCES, _COMPONENTS = 4, 5


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _train, resumes=True)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string("run", "", "Run directory (default runs/<model>-<data>-<changed fields>-<seed>).", flag_values=values)
    flags.DEFINE_bool(
        "resume", False, "Go on with the run that is there, from its last whole epoch, with its own configuration.", flag_values=values
    )
    flags.DEFINE_bool("overwrite", False, "Replace the run that is there.", flag_values=values)
    flags.DEFINE_bool(
        "smoke", False, "The whole path in seconds: a tiny model on a little data, into a temporary directory.", flag_values=values
    )
    flags.DEFINE_enum(
        "strategy",
        "none",
        ["none", "mirrored", "multi_worker"],
        "Who shares each batch: all accelerators of this machine, or the processes that TF_CONFIG or Slurm names (docs/scale.md).",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "replicas",
        0,
        "Of --strategy=mirrored: how many, where not all accelerators; without any, they share the processor.",
        lower_bound=0,
        flag_values=values,
    )
    define_config_flags(values)


def _train(values: flags.FlagValues) -> None:
    from tfvae.training.fit import fit
    from tfvae.training.workers import Workers, strategy_of

    strategy = strategy_of(values.strategy, values.replicas)
    goes_on = values.resume and values.run and Run(values.run).config_file.exists()
    kept = Run(values.run).config() if goes_on else None
    config = config_from_flags(values, base=SMOKE if values.smoke else None, kept=kept)
    directory = values.run or (smoke_directory() if values.smoke else "")
    model, run = fit(config, directory, overwrite=values.overwrite, resume=values.resume, strategy=strategy, say=_say)
    if not Workers(strategy).chief:
        return
    _show(model, run, config.training.seed)
    print(f"\nThe run is in {run.path}; `tensorboard --logdir {run.path.parent}` shows its curves.")


def _say(message: str) -> None:
    print(message, flush=True)


def _show(model: Model, run: Run, seed: int) -> None:
    """Prints items of the components that the validation split uses most, or of the prior where there are no codes.

    Items that are no lines of text go into one file, a row for each component.
    """
    latent, modality = model.vae.latent, model.modality
    if not latent.has_codes:
        print(f"\n{modality.item.capitalize()}s from the prior:")
        rows = [model.generate(2 * _SENTENCES, seed=seed)[0]]
        _print(modality, rows[0])
    else:
        kept = run.figures_at(int(model.vae.step.numpy()))
        use = np.array(kept["val_component_use"])  # [J, K]
        busiest = np.argsort(-use, axis=None, kind="stable")[:_COMPONENTS]
        print(f"\n{modality.item.capitalize()}s from the busiest components, the other variables free:")
        rows = []
        for place, variable, component in zip(busiest.tolist(), *np.unravel_index(busiest, use.shape), strict=True):
            codes = np.full(latent.num_variables, -1)
            codes[variable] = component
            print(f"component {variable}:{component}, {use[variable, component]:.0%} of the validation {modality.item}s")
            rows.append(model.generate(_SENTENCES, component=codes, seed=seed + place)[0])
            _print(modality, rows[-1])
    if not modality.printable:
        path = run.path / f"samples{modality.suffix}"
        modality.save_items(path, np.concatenate(rows), len(rows[0]))
        print(f"They are in {path}, a row each.")


def _print(modality: Modality, items: Sequence[Any]) -> None:
    for text in items if modality.printable else ():
        print(f"  {text}")


if __name__ == "__main__":
    main()
