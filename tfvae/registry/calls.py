"""How parts are made of what all parts of a table are given."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def call(make: Callable[..., Any], shape: Mapping[str, int], **arguments: Any) -> Any:
    """Calls a constructor with arguments, and with those sizes of an example that it names; a function is given all of them.

    An implementation is left out where there is but one.
    """
    named = inspect.signature(make).parameters
    if "implementation" not in named:
        arguments.pop("implementation", None)
    sizes = {name: size for name, size in shape.items() if name in named or not inspect.isclass(make)}
    return make(**sizes, **arguments)
