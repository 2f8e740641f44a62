"""tfvae-export: writes a SavedModel for TensorFlow Serving."""

from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import define_model_flags, run_from_flags
from tfvae.errors import UserError
from tfvae.export.settings import Settings
from tfvae.progress import progress

SUMMARY = "Exports a trained model, text in, text out, as a SavedModel <folder>/<name>/<version> that TensorFlow Serving and others load."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _export)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    usual = Settings()
    flags.DEFINE_string("folder", "saved_models", "Folder of exported models.", flag_values=values)
    flags.DEFINE_string("name", "", "Name that the model is served under (default the kind of model, as dem_vae).", flag_values=values)
    flags.DEFINE_integer("version", 0, "Version; 0: one more than the highest that is there.", flag_values=values)
    flags.DEFINE_integer("samples", usual.samples, "score: posterior samples of the importance-weighted likelihood.", flag_values=values)
    flags.DEFINE_integer("steps", usual.steps, "interpolate: sentences, or images, the ends included.", flag_values=values)
    flags.DEFINE_integer("max_length", usual.max_length, "Most tokens of a sentence that is written, its end included.", flag_values=values)


def _export(values: flags.FlagValues) -> None:
    from tfvae.export.saved_model import export

    numbers = (
        ("version", values.version, 0),
        ("samples", values.samples, 1),
        ("steps", values.steps, 2),
        ("max_length", values.max_length, 1),
    )
    for name, number, least in numbers:
        if number < least:
            raise UserError(f"--{name}={number}: must be at least {least}")
    run = run_from_flags(values)
    settings = Settings(values.samples, values.steps, values.max_length)
    given = {"name": values.name, "version": values.version, "settings": settings}
    path = export(str(run.path), values.folder, **given, progress=progress, say=_say)
    _say(f"{path} is checked and in place; its README.md has a request for each signature")


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    main()
