"""The registry of corpora."""

from collections.abc import Callable

from tfvae.config import DataConfig
from tfvae.data import daily_dialog, demo, dialogues, home_assistant, mnist, newsgroups, omniglot, ptb, shards, smd, tables, text, yahoo
from tfvae.data.corpus import SPLITS, Corpus
from tfvae.errors import UserError, suggest

READERS: dict[str, Callable[[DataConfig], Corpus]] = {
    "20ng": newsgroups.read,
    "daily_dialog": daily_dialog.read,
    "demo": lambda data: demo.read(data.context),
    "dialogues": dialogues.read,
    "home_assistant": home_assistant.read,
    "mnist": mnist.read,
    "omniglot": omniglot.read,
    "ptb": ptb.read,
    "shards": shards.read,
    "smd": smd.read,
    "text": text.read,
    **dict.fromkeys(tables.KINDS, tables.read),
    "yahoo": yahoo.read,
}
FILES = ("text", *tables.KINDS, "dialogues")
"""Names that stand for files of the user's."""
DIALOGUES = ("daily_dialog", "demo", "dialogues", "smd")
"""Corpora whose examples may come with the turns before them."""


def names() -> list[str]:
    """Returns the names that `config.data.name` may have, sorted."""
    return sorted(READERS)


def read(data: DataConfig) -> Corpus:
    """Reads the corpus `data.name`.

    Args:
      data: the corpus's name and where its files are; `split_seed` is what splits depend on that are not the corpus's own.

    Raises:
      UserError: there is no such corpus, it cannot be read, or files are named that it does not read.
    """
    if data.name not in READERS:
        raise UserError(f"config.data.name = {data.name!r}: no such corpus{suggest(data.name, READERS)}")
    for field in (f"{split}_file" for split in SPLITS):
        if data.name not in FILES and getattr(data, field):
            raise UserError(f"config.data.{field} is read by the corpora {', '.join(FILES)}, not by {data.name}: set config.data.name=text")
    return head(READERS[data.name](data), data)


def head(corpus: Corpus, data: DataConfig) -> Corpus:
    """Returns the part of a corpus that `data.limit` leaves."""
    return corpus.head(data.limit) if data.limit else corpus
