"""How far a command is."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import track


def progress(description: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    """Yields the items, with a bar on standard error where that is a terminal."""
    console = Console(stderr=True)
    yield from track(items, description, total=total, console=console, transient=True, disable=not console.is_terminal)
