"""Arrays of .npz files, read strictly: what is wrong with one is said in a line that names the file and the array."""

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from tfvae.data.corpus import Split
from tfvae.errors import UserError
from tfvae.opening import opened_as_is

_LARGEST = 4 << 30  # bytes of all wanted arrays together
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
# What zipfile raises; a RuntimeError for a password, the others for bytes that are not what they were.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError, struct.error)
_SIDE = 28

Shape = tuple[int | str | None, ...]
"""Sizes of an array: a number, None for any, or a name, which stands for the same size in all arrays. None is 0."""


def read_arrays(
    path: str | os.PathLike[str], wanted: Mapping[str, tuple[type[np.generic], Shape]], *, advice: str = "check the path"
) -> dict[str, np.ndarray]:
    """Reads arrays of an .npz file. Sizes are checked before memory is taken, and nothing is unpickled.

    Args:
      path: the file.
      wanted: for each array's name its type, as np.uint8 or the wider np.integer, and its shape. Others in the file are passed over.
      advice: what to do when something is wrong, for the message.

    Returns:
      The wanted arrays. They are not writable.

    Raises:
      UserError: there is no such file, it is no .npz file or a damaged one, or an array is missing, too large or not as wanted.
    """
    path = os.fspath(path)
    with opened_as_is(path, advice) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                members = _find_members(archive, wanted, path, advice)
                return _read_members(archive, members, wanted, path, advice)
        except _DAMAGE as error:
            raise UserError(f"{path}: no .npz file, or a damaged one: {error}; {advice}") from None


def read_images(path: str | os.PathLike[str], classes: Mapping[str, int], label: str, *, advice: str) -> dict[str, Split]:
    """Reads grey images of 28x28 pixels and the class of each.

    Args:
      path: an .npz file with arrays x_<part>, uint8 [N, 28, 28], and y_<part>, integers [N].
      classes: for each part the number of its classes, which are counted from 0.
      label: the label's name.
      advice: what to do when something is wrong, for the message.

    Returns:
      A split for each part, its images numbered from 1.

    Raises:
      UserError: an array cannot be read or is not as described.
    """
    images: dict[str, tuple[type[np.generic], Shape]] = {f"x_{part}": (np.uint8, (part, _SIDE, _SIDE)) for part in classes}
    # Any: what a split holds is typed as a Sequence, which an array is not by its type.
    arrays: Mapping[str, Any] = read_arrays(path, images | {f"y_{part}": (np.integer, (part,)) for part in classes}, advice=advice)
    splits = {}
    for part, count in classes.items():
        numbers = arrays[f"y_{part}"]
        if (off := np.flatnonzero((numbers < 0) | (numbers >= count))).size:
            what = f"image {off[0] + 1} has the {label} {numbers[off[0]]}, no number from 0 to {count - 1}"
            raise UserError(f"{os.fspath(path)}: y_{part}: {what}; {advice}")
        lines = np.arange(1, len(numbers) + 1, dtype=np.int64)
        splits[part] = Split(arrays[f"x_{part}"], {label: numbers.astype(np.int32)}, os.fspath(path), lines, "image")
    return splits


def _find_members(archive: zipfile.ZipFile, wanted: Mapping[str, object], path: str, advice: str) -> dict[str, zipfile.ZipInfo]:
    """Returns the archive's entry of each wanted array."""
    held = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
    if missing := [name for name in wanted if name not in held]:
        others = f", but {', '.join(repr(name[:40]) for name in list(held)[:8])}" if held else ""
        raise UserError(f"{path}: holds no array {', '.join(missing)}{others}; {advice}")
    if (total := sum(held[name].file_size for name in wanted)) > _LARGEST:
        raise UserError(f"{path}: announces arrays of {total:,} bytes, more than the {_LARGEST:,} that are read; {advice}")
    return {name: held[name] for name in wanted}


def _read_members(
    archive: zipfile.ZipFile,
    members: Mapping[str, zipfile.ZipInfo],
    wanted: Mapping[str, tuple[type[np.generic], Shape]],
    path: str,
    advice: str,
) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    sizes: dict[str, tuple[int, str]] = {}  # of each name in a shape, and the array that has it
    for name, (kind, shape) in wanted.items():
        try:
            with archive.open(members[name]) as stream:
                arrays[name] = _read_array(stream, members[name].file_size, kind, shape)
            for size, free in zip(arrays[name].shape, shape, strict=True):
                first, where = sizes.setdefault(free, (size, name)) if isinstance(free, str) else (size, name)
                if size != first:
                    raise _Unlike(f"has {size:,} entries where {where} has {first:,}")
        except _Unlike as error:
            raise UserError(f"{path}: {name}: {error}; {advice}") from None
    return arrays


def _read_array(stream: IO[bytes], length: int, kind: type[np.generic], shape: Shape) -> np.ndarray:
    """Reads one array of `length` bytes, header and all."""
    try:
        actual, by_columns, dtype = _HEADERS[np.lib.format.read_magic(stream)](stream)
    except _DAMAGE:
        raise
    except Exception:  # NumPy raises errors of many types for a header that is none
        raise _Unlike("no array: its header cannot be read") from None
    if dtype.hasobject:
        raise _Unlike("holds pickled objects, which are never read: they can run any code")
    if not np.issubdtype(dtype, kind):
        raise _Unlike(f"holds {dtype} where {kind.__name__} is wanted")
    fits = len(actual) == len(shape) and all(a == w if isinstance(w, int) else a > 0 for a, w in zip(actual, shape, strict=True))
    if not fits:
        names = ", ".join(str(size) if isinstance(size, int) else "N" for size in shape)
        raise _Unlike(f"has the shape {actual} where ({names}{',' if len(shape) == 1 else ''}) is wanted, N above 0")
    announced = math.prod(actual) * dtype.itemsize
    if announced != length - stream.tell():
        raise _Unlike(f"its header announces {announced:,} bytes and {length - stream.tell():,} follow")
    data = stream.read(announced)
    if len(data) != announced:
        raise _Unlike(f"ends after {len(data):,} of {announced:,} bytes")
    return np.frombuffer(data, dtype).reshape(actual, order="F" if by_columns else "C")


class _Unlike(Exception):
    """What is wrong with an array."""
