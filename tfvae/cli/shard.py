"""tfvae-shard: files of text to shards of token ids, for corpora larger than memory."""

import sys

from absl import flags

from tfvae.cli.command import config_from_flags, define_config_flags, run_command
from tfvae.data.engines import ENGINES
from tfvae.errors import UserError

SUMMARY = "Writes files of texts as shards that --data=shards trains on without holding them in memory."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _shard)


def _define_flags(values: flags.FlagValues) -> None:
    source = "Files of texts, one a line, optionally 'label TAB text', plain or .gz, with commas between."
    flags.DEFINE_string("input", "", source, flag_values=values)
    flags.DEFINE_string("output", "", "Folder of the shards, a new one.", flag_values=values)
    held_out = "Share of the texts that is held out for validation, and as many for the test split."
    flags.DEFINE_float("held_out", 0.01, held_out, lower_bound=1e-9, upper_bound=0.4, flag_values=values)
    flags.DEFINE_enum(
        "engine", "local", list(ENGINES), "What runs --workers: processes of this machine, Spark, Ray or Beam.", flag_values=values
    )
    flags.DEFINE_integer("workers", 1, "Workers, each with a processor core.", lower_bound=1, flag_values=values)
    define_config_flags(values)


def _shard(values: flags.FlagValues) -> None:
    from tfvae.data.sharding import write_shards

    if not (values.input and values.output):
        raise UserError("--input and --output are both needed: files of texts, and a folder to write")
    values["data"].value = values.data or "text"
    data = config_from_flags(values).data
    options = {"held_out": values.held_out, "engine": values.engine, "workers": values.workers}
    write_shards(values.input.split(","), values.output, data, **options, say=lambda line: print(line, file=sys.stderr))
    print(f"{values.output} is there: train with --data=shards --config.data.dir={values.output}")


if __name__ == "__main__":
    main()
