"""Encoding files of lines by many workers: a part of the output for each piece of the input, each written whole or not at all."""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfvae.data.engines import ENGINES
from tfvae.data.json_files import load_json
from tfvae.data.pieces import PIECE, Piece, pieces_of
from tfvae.errors import UserError
from tfvae.evaluation.evaluate import checksum
from tfvae.export.encode_file import Report, check_target, encode_piece, words_of
from tfvae.models.model import Model
from tfvae.training.fit import load
from tfvae.training.zoo import find
from tfvae.version import __version__

_JOB = "job.json"


@dataclasses.dataclass(frozen=True)
class EncodePiece:
    """Encodes a piece into a folder; workers get it pickled, and load the model once a process.

    Attributes:
      run: the run directory, which all workers see under the same name.
      folder: where parts go.
      suffix: of parts, .jsonl or .npz.
      batch_size: texts encoded at a time.
      precision: of the networks' products, as of `tfvae.training.fit.load`.
    """

    run: str
    folder: str
    suffix: str = ".jsonl"
    batch_size: int = 256
    precision: str = ""

    def part(self, piece: Piece) -> pathlib.Path:
        """Returns the file of a piece."""
        return pathlib.Path(self.folder) / f"part-{piece.number:06d}{self.suffix}"

    def __call__(self, piece: Piece) -> Report:
        """Writes the piece's part and returns what became of its lines."""
        return encode_piece(_model(self.run, self.precision), piece, str(self.part(piece)), batch_size=self.batch_size)


@functools.cache
def _model(run: str, precision: str) -> Model:
    """The model of this process, which has a processor core to itself."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        pass  # TensorFlow has begun with what others have set
    return load(run, precision=precision)


def encode_pieces(
    run: str,
    sources: Sequence[str],
    folder: str,
    *,
    engine: str = "local",
    workers: int = 0,
    suffix: str = ".jsonl",
    batch_size: int = 256,
    precision: str = "",
    piece_bytes: int = PIECE,
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """Encodes files of lines, as `encode_file` does one, into parts that hold, one after the other, what one file would.

    A job that was stopped goes on when it is asked for again: parts that are there are whole.

    Args:
      run: a run directory, or a name, as of `tfvae.load`; workers must see it, the sources and the folder under the same names.
      sources: files of texts, one a line, optionally 'label TAB text', plain or .gz.
      folder: of the parts, part-000000.jsonl and so on, in the order of the sources and their lines.
      engine: what runs the workers: see `tfvae.data.engines`.
      workers: how many, where the engine is not told otherwise; 0: one, or as many as Spark or Ray have.
      suffix: of the parts, .jsonl or .npz.
      batch_size: texts encoded at a time.
      precision: of the networks' products, as of `tfvae.load`.
      piece_bytes: of a piece, at least.
      say: hears of each stage, a line each.

    Raises:
      UserError: there is no such engine, a source cannot be read, the model does not encode texts, or the folder holds the parts of another
        job.
    """
    if engine not in ENGINES:
        raise UserError(f"--engine={engine}: must be one of {', '.join(ENGINES)}")
    check_target(f"part{suffix}")
    found = find(run)
    place = str(found.path.absolute())
    words = words_of(_model(place, precision))  # which a worker in this process has then loaded
    paths = [str(pathlib.Path(source).absolute()) for source in sources]
    target = pathlib.Path(folder).absolute()
    task = EncodePiece(place, str(target), suffix, batch_size, precision)
    pieces = pieces_of(paths, piece_bytes)
    if not pieces:
        raise UserError(f"{', '.join(map(str, sources))}: the file is empty: no line holds any text")
    job = {**dataclasses.asdict(task), "weights": checksum(found), "tfvae": __version__}
    del job["folder"], job["batch_size"]
    _claim(target, {**job, "pieces": [dataclasses.asdict(piece) for piece in pieces]})
    left = [piece for piece in pieces if not task.part(piece).exists()]
    if len(left) < len(pieces):
        say(f"{len(pieces) - len(left)} of {len(pieces)} parts are there already")
    report = Report(words.max_length)
    for number, part in enumerate(ENGINES[engine](task, left, workers), 1):
        report.extend(part)
        say(f"{number} of {len(left)} parts, {report.encoded:,} texts")
    return report


def _claim(folder: pathlib.Path, job: dict[str, Any]) -> None:
    """Makes the folder, or checks that it is of the same job."""
    path = folder / _JOB
    if path.exists():
        if load_json(path, "name another folder") != job:
            raise UserError(f"{folder} holds the parts of another job: name another folder, or delete it")
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} holds something else: name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(job))
