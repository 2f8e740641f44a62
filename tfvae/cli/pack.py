"""tfvae-pack: a small copy of a trained run, to be given to others."""

from absl import flags

from tfvae.cli.command import run_command
from tfvae.errors import UserError

SUMMARY = "Copies what a trained run needs to be used, weights in half precision, into <folder>/<name>, and makes an archive of it."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _pack)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string("run", "", "Run directory of a trained model.", flag_values=values)
    flags.DEFINE_string("folder", "zoo", "Folder of packed runs; $TFVAE_ZOO names one in which --run=NAME finds them.", flag_values=values)
    flags.DEFINE_string("name", "", "Name that the run is found by (default its directory's).", flag_values=values)


def _pack(values: flags.FlagValues) -> None:
    from tfvae.export.packing import pack

    if not values.run:
        raise UserError("--run is missing: name the directory of a trained model")
    folder, archive = pack(values.run, values.folder, values.name)
    held = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder} holds {held / 1e6:.2f} MB, {archive} {archive.stat().st_size / 1e6:.2f} MB")
    print(f"export TFVAE_ZOO={folder.parent.resolve()}  # for --run={folder.name} to find it")


if __name__ == "__main__":
    main()
