"""What the commands share: flags, and errors in one line."""

import contextlib
import errno
import logging
import os
import signal
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import flags

from tfvae.cli.signals import Ended, end_soon, ending_signals
from tfvae.config import Config, describe_fields, read_json, writable
from tfvae.data.escapes import VisibleStream
from tfvae.errors import UserError, suggest
from tfvae.quiet import load_tensorflow
from tfvae.training.formats import migrated

SHORT_NAMES = {
    "data_dir": "data.dir",
    "train_file": "data.train_file",
    "valid_file": "data.valid_file",
    "test_file": "data.test_file",
    "text_column": "data.text_column",
    "label_column": "data.label_column",
    "features": "data.features",
    "context": "data.context",
    "split": "data.split",
    "batch_size": "data.batch_size",
    "encoder": "encoder.kind",
    "decoder": "decoder.kind",
    "kappa": "latent.kappa",
    "variables": "latent.variables",
    "components": "latent.components",
    "views": "inference.views",
    "seed_words": "inference.seed_words",
    "seed_label": "inference.seed_label",
    "labels": "objective.labels",
    "beta": "objective.beta",
    "seed": "training.seed",
    "epochs": "training.epochs",
    "select": "training.select",
    "preset": "training.preset",
    "init_from": "training.init_from",
    "embeddings": "training.embeddings",
    "parts": "training.init_parts",
    "freeze": "training.freeze",
    "tokenizer": "data.tokenizer",
    "vocabulary": "data.vocabulary",
    "precision": "training.precision",
    "word_dropout": "decoder.word_dropout",
}
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OUT_OF_REACH = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
_FILES = ("data.train_file", "data.valid_file", "data.test_file")
_PATHS = ("data.dir", *_FILES, "data.vocabulary", "inference.seed_words", "training.init_from", "training.embeddings")


def define_config_flags(values: flags.FlagValues) -> None:
    """Defines --model, --data, --config_file, the short names, and --config.* for every field of the configuration."""
    from tfvae.registry import CORPORA, MODELS

    flags.DEFINE_string("model", None, f"Model, one of {', '.join(MODELS)} (default {Config().model}).", flag_values=values)
    flags.DEFINE_string(
        "data",
        None,
        f"Corpus, one of {', '.join(CORPORA)}, text, csv, jsonl, parquet and dialogues being your own files (default demo).",
        flag_values=values,
    )
    flags.DEFINE_string("config_file", None, "JSON file with fields of the configuration, as in a run's config.json.", flag_values=values)
    described = describe_fields()
    for name, path in SHORT_NAMES.items():
        flags.DEFINE_string(name, None, f"{described[path]} [config.{path}]", flag_values=values)
    for path, help in described.items():
        flags.DEFINE_string(f"config.{path}", None, help, flag_values=values)


def config_from_flags(values: flags.FlagValues, base: Mapping[str, Any] | None = None, *, kept: Config | None = None) -> Config:
    """Resolves the configuration: defaults < registry < `base` < --config_file < --config.* < short names.

    Args:
      values: parsed flags.
      base: fields by their path that the command sets where the user does not.
      kept: a run's configuration, which stands for a --config_file that is not given.

    Raises:
      UserError: whatever `resolve` finds wrong, or a configuration file that cannot be read.
    """
    from tfvae.registry import resolve

    settings = read_json(values.config_file) if values.config_file else kept.to_dict() if kept else {}
    if "versions" in settings:  # a run's config.json
        settings = migrated(settings, values.config_file)
    data = settings.get("data")
    model = values.model or str(settings.get("model") or Config().model)
    corpus = values.data or str((data.get("name") if isinstance(data, dict) else None) or Config().data.name)
    overrides = {path: values[f"config.{path}"].value for path in describe_fields() if values[f"config.{path}"].value is not None}
    for reserved, flag in (("model", "--model"), ("data.name", "--data")):
        if reserved in overrides:
            raise UserError(f"--config.{reserved}: use {flag}")
    overrides |= {path: values[name].value for name, path in SHORT_NAMES.items() if values[name].value is not None}
    # A run remembers its files wherever a later command is started; those within data.dir are named from there.
    own = _PATHS if "data.dir" not in overrides else [path for path in _PATHS if not path.endswith("_file")]
    overrides |= {path: os.path.abspath(os.path.expanduser(str(overrides[path]))) for path in own if overrides.get(path)}
    if str(overrides.get("data.features", "")).endswith(".npy") and "data.dir" not in overrides:
        files = str(overrides["data.features"]).split(",")
        overrides["data.features"] = ",".join(os.path.abspath(os.path.expanduser(file.strip())) for file in files)
    fields = {key: value for key, value in settings.items() if key not in ("format", "versions")}
    return resolve(model, corpus, fields, overrides, base=base)


def run_command(
    summary: str,
    define: Callable[[flags.FlagValues], None],
    main: Callable[[flags.FlagValues], None],
    argv: Sequence[str] | None = None,
    *,
    resumes: bool = False,
) -> None:
    """Parses the command line, runs `main`, and ends the process: status 0, 2 for a user's mistake, 128 + its number for a signal.

    Args:
      summary: what the command does, for --help.
      define: defines its flags.
      main: the command.
      argv: the command line, by default this process's.
      resumes: whether --resume goes on with what an interrupt or a full disk stopped.
    """
    values = flags.FlagValues()
    define(values)
    flags.DEFINE_bool("help", False, "List the flags.", flag_values=values)
    flags.DEFINE_bool("verbose", False, "Show TensorFlow's own messages.", flag_values=values)
    flags.DEFINE_bool("helpfull", False, "List the flags and every field of the configuration.", flag_values=values)
    logging.getLogger("tfvae").handlers = [logging.StreamHandler(VisibleStream(sys.stderr))]
    try:
        rest = values(list(argv or sys.argv))
        if len(rest) > 1:
            raise UserError(f"{rest[1]!r} is not a flag: write --name=value{_nearest(rest[1], values)}")
        _check_writable(values)
        if values.help or values.helpfull:
            print(_help(summary, values))
        else:
            with ending_signals():
                load_tensorflow(verbose=values.verbose)
                with contextlib.redirect_stdout(VisibleStream(sys.stdout)):  # what is told of a corpus commands no terminal
                    main(values)
    except flags.UnrecognizedFlagError as error:
        _fail(f"--{error.flagname} is not a flag{_nearest(error.flagname, values)}; --help lists them")
    except (UserError, flags.Error) as error:
        _fail(str(error))
    except KeyboardInterrupt as interrupt:
        end_soon()
        what, number = ("ended by " + str(interrupt), interrupt.number) if isinstance(interrupt, Ended) else ("interrupted", signal.SIGINT)
        _fail(what + ("; --resume goes on from the last whole epoch" if resumes else ""), status=128 + number)
    except BrokenPipeError:
        # Who read the output has had enough, as `head` does; Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in (*_FULL, *_OUT_OF_REACH):
            raise
        again = "--resume" if resumes else "try again"
        advice = f"make room, then {again}" if error.errno in _FULL else "mend that, or name another place"
        _fail(f"{error.filename or 'a file of the run'}: {os.strerror(error.errno)}; what was written before is whole: {advice}")
    except Exception as error:
        _fail(f"{_of_tensorflow(error)}; what was written before is whole: mend that, then {'--resume' if resumes else 'try again'}")


def _check_writable(values: flags.FlagValues) -> None:
    """Raises UserError for a flag that holds what neither a file's name nor JSON can."""
    for name in values:
        value = values[name].value
        for text in value if isinstance(value, list) else [value]:
            try:
                writable(text if isinstance(text, str) else "")
            except ValueError:
                raise UserError(f"--{name}={text!r}: must be text in UTF-8, without NUL") from None


def _of_tensorflow(error: Exception) -> str:
    """What TensorFlow says of a file that it cannot write, as TensorBoard's; raises any other error again."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        raise error
    kinds = tensorflow.errors
    if not isinstance(error, (kinds.NotFoundError, kinds.PermissionDeniedError, kinds.ResourceExhaustedError)):
        raise error
    return str(error.message)


def _help(summary: str, values: flags.FlagValues) -> str:
    names = [name for name in values if len(name) > 1 and (values.helpfull or not name.startswith("config."))]
    lines = [summary, ""]
    for name in names:
        lines += textwrap.wrap(f"--{name}: {values[name].help}", width=110, initial_indent="  ", subsequent_indent="      ")
    return "\n".join(lines)


def _nearest(word: str, values: flags.FlagValues) -> str:
    hint = suggest(word.lstrip("-").split("=")[0], [name for name in values if len(name) > 1])
    return hint if hint.startswith(", did") else ""


def _fail(message: str, status: int = 2) -> None:
    print(f"error: {' '.join(message.split())}", file=VisibleStream(sys.stderr), flush=True)
    sys.exit(status)
