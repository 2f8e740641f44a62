"""Formats of run directories: a version, and what makes the configuration of one version that of the next."""

from collections.abc import Callable, Mapping
from typing import Any

from tfvae.errors import UserError

FORMAT = 3
"""The version that is written. 1 had no number: its examples were all sentences, and its networks recurrent. 2 took spellings of a word for
words of their own."""


def _section(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = values.get(name, {})
    if not isinstance(section, dict):
        raise UserError(f"config.{name} = {section!r}: must be an object")
    return section


def _kinds(values: dict[str, Any]) -> dict[str, Any]:
    """1 to 2: what an example is and which networks there are became settings."""
    kinds = {
        "data": {"modality": "words"},
        "encoder": {"kind": "recurrent"},
        "decoder": {"kind": "recurrent"},
        "inference": {"kind": "amortized"},
    }
    return {**values, **{section: {**_section(values, section), **fields} for section, fields in kinds.items()}}


def _unicode(values: dict[str, Any]) -> dict[str, Any]:
    """2 to 3: spellings that Unicode holds to be the same became one word by default."""
    return {**values, "data": {**_section(values, "data"), "unicode": "none"}}


_MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _kinds, 2: _unicode}


def migrated(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Returns what config.json holds as this version writes it.

    Args:
      values: as the file has it, of this version or an earlier one.
      where: the file, for the message.

    Raises:
      UserError: a later version wrote it, its number is none, or a section is none.
    """
    values = dict(values)
    version = values.pop("format", 1)
    if type(version) is not int or version < 1:
        raise UserError(f"{where}: format = {version!r} is no number of a format; take the file of the run as it was written")
    if version > FORMAT:
        raise UserError(f"{where} has format {version}, this version of tfvae reads up to {FORMAT}: install the version that wrote it")
    try:
        for number in range(version, FORMAT):
            values = _MIGRATIONS[number](values)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return {"format": FORMAT, **values}
