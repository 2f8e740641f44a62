"""Items as a page shows them."""

import base64
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from tfvae.modalities.grid import encode_png
from tfvae.modalities.modality import Modality


def _text(item: str) -> Markup:
    return escape(item or "(an empty sentence)")


def _image(item: np.ndarray) -> Markup:
    file = io.BytesIO()
    encode_png(file, np.asarray(item))
    data = base64.b64encode(file.getvalue()).decode()
    height, width = np.shape(item)
    return Markup('<img class="item" width="{}" height="{}" alt="an image" src="data:image/png;base64,{}">').format(
        2 * width, 2 * height, data
    )


_SHOWN: Mapping[str, Callable[[Any], Markup]] = {"word": _text, "pixel": _image}


def html_of(modality: Modality) -> Callable[[Any], Markup]:
    """Returns what makes HTML of an item of a modality: a text, an image, or the item as Python writes it."""
    return _SHOWN.get(modality.unit, lambda item: escape(str(item)))
