"""How far a long loop is."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Progress = Callable[[str, Iterable[Any], int], Iterator[Any]]
"""Yields items of which there are so many, and shows under a description how many were taken."""


def no_progress(description: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    """Yields the items, and shows nothing."""
    del description, total
    yield from items


def progress(description: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    """Yields the items, with a bar on standard error where that is a terminal, or in a notebook."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    shown = console.is_terminal or console.is_jupyter
    yield from track(items, description, total=total, console=console, transient=True, disable=not shown)
