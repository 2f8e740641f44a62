"""The views that codes may be read from, by name."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from tfvae.errors import UserError, suggest
from tfvae.inference.code_heads import CodeHeads
from tfvae.inference.head_start import HeadStart
from tfvae.registry.calls import call
from tfvae.views.features import FeaturesView
from tfvae.views.form import FormView
from tfvae.views.pixels import PixelsView
from tfvae.views.view import View
from tfvae.views.words import WordsView


@dataclasses.dataclass(frozen=True)
class ViewKind:
    """One kind of view.

    Attributes:
      make: the view from the sizes of an example.
      reads: what of a batch it reads: "tokens", "features", "image".
      ordered: whether it reads the order of words.
    """

    make: Callable[..., View]
    reads: str
    ordered: bool = False


VIEWS: dict[str, ViewKind] = {
    "words": ViewKind(WordsView, "tokens"),
    "form": ViewKind(FormView, "tokens", ordered=True),
    "content": ViewKind(lambda vocabulary_size, name, **_: WordsView(vocabulary_size, most=0.03, name=name), "tokens"),
    "features": ViewKind(FeaturesView, "features"),
    "pixels": ViewKind(PixelsView, "image"),
}
"""Views; one of your own is added under a name."""

_USUAL: Mapping[str, Mapping[int, tuple[str, ...]]] = {
    "tokens": {1: ("words",), 2: ("form", "content")},
    "tokens features": {1: ("features",), 2: ("features", "form")},
}


def usual_views(reads: str, variables: int, *, ordered: bool = True) -> tuple[str, ...]:
    """Returns the views that suit so many variables, to be used in turn.

    Args:
      reads: what of a batch views read.
      variables: J.
      ordered: whether examples have an order.
    """
    fitting = _fitting(reads, ordered=ordered)
    return tuple(name for name in _USUAL.get(reads, {}).get(variables, fitting) if name in fitting)


def _fitting(reads: str, *, ordered: bool) -> tuple[str, ...]:
    """The views that examples can be seen by."""
    return tuple(name for name, kind in VIEWS.items() if kind.reads in reads.split() and (ordered or not kind.ordered))


def _named(views: str) -> tuple[str, ...]:
    """The names in a list with commas; none in an empty one."""
    return tuple(name.strip() for name in views.split(",")) if views else ()


def check_views(names: str, reads: str, *, ordered: bool) -> None:
    """Checks the views that a user names.

    Raises:
      UserError: one does not exist, or reads what examples have not.
    """
    fitting = _fitting(reads, ordered=ordered)
    for name in _named(names):
        if name not in VIEWS:
            raise UserError(f"config.inference.views = {names}: {name!r} is not a view{suggest(name, fitting)}")
        if name not in fitting:
            raise UserError(
                f"config.inference.views = {names}: {name} cannot be had of this corpus's examples, which have {', '.join(fitting)}"
            )
    if not fitting:
        raise UserError("config.inference.kind = code_heads: there is no view of this corpus's examples; register one")


def code_heads(
    views: str,
    hidden_dim: int,
    *,
    reads: str,
    ordered: bool,
    variables: int,
    components: int,
    seed: int,
    trainable: bool,
    **given: Any,
) -> CodeHeads:
    """Makes code heads, one a variable.

    Args:
      views: names, with commas between; empty: what suits.
      hidden_dim: units of a head.
      reads: what of a batch views read.
      ordered: whether examples have an order.
      variables: J.
      components: K.
      seed: of the heads.
      trainable: whether they go on learning.
      **given: fields of `HeadStart`, the sizes of an example, and what is read when heads start.
    """
    names = _named(views) or usual_views(reads, variables, ordered=ordered)
    start = {field.name: given.pop(field.name) for field in dataclasses.fields(HeadStart)}
    turns = [names[number % len(names)] for number in range(variables)]
    made = [call(VIEWS[name].make, given, name=name) for name in turns]
    return CodeHeads(made, components=components, hidden_dim=hidden_dim, start=start, seed=seed, trainable=trainable, name="heads")
