"""How often texts of each topic are over time."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tfvae.errors import UserError

_BINS = 20


def moments(values: Sequence[Any], name: str = "times") -> np.ndarray:
    """Returns points in time, float64 [N] or datetime64[us] [N]; missing ones are NaN or NaT.

    Args:
      values: N numbers, such as years, or N dates and times: Python's, NumPy's or pandas', or written as 2024-05-01 or 2024-05-01 12:30.
      name: what they are, for messages.

    Raises:
      UserError: one is no date, and not all are numbers: the message says which.
    """
    known = [place for place, value in enumerate(values) if not (value is None or value != value or value == "")]
    numbers = {place: _number(values[place]) for place in known}
    if None not in numbers.values():
        return np.array([numbers.get(place, math.nan) for place in range(len(values))], np.float64)
    dates = {place: _date(values[place]) for place in known}
    for place, date in dates.items():
        if date is None:
            raise UserError(f"{name}[{place}] is {values[place]!r}: a date is wanted, such as 2024-05-01, or all must be numbers")
    return np.array([dates.get(place, np.datetime64("NaT")) for place in range(len(values))], "datetime64[us]")


def _number(value: Any) -> float | None:
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+(\.\d*)?\s*", value) else None


def _date(value: Any) -> np.datetime64 | None:
    if _number(value) is not None:
        return None
    try:
        if isinstance(value, str):
            return np.datetime64(re.sub(r"Z$|(?<=:\d\d)[+-]\d\d:?\d\d$", "", value.strip().replace("/", "-")), "us")
        return np.datetime64(pa.scalar(value).cast(pa.timestamp("us")).as_py(), "us")
    except (ValueError, TypeError, pa.ArrowException):
        return None


def over_time(codes: np.ndarray, times: np.ndarray, topics: Sequence[int], bins: int = _BINS) -> tuple[np.ndarray, np.ndarray]:
    """Counts texts of each topic in intervals of time of equal lengths, or at each time where there are few.

    Args:
      codes: the topic of every text, int [N].
      times: as of `moments`, [N]; texts without one are left out.
      topics: the numbers of K topics.
      bins: intervals at most.

    Returns:
      the intervals' beginnings or the times, [T], and counts [T, K].

    Raises:
      UserError: no text has a time.
    """
    known = ~(np.isnat(times) if times.dtype.kind == "M" else np.isnan(times))
    if not known.any():
        raise UserError("no text has a time")
    codes, times = codes[known], times[known]
    found = np.unique(times)
    if len(found) <= bins:
        starts, interval = found, np.searchsorted(found, times)
    else:
        ticks = times.astype(np.int64 if times.dtype.kind == "M" else np.float64).astype(np.float64)
        edges = np.linspace(ticks.min(), ticks.max(), bins + 1)
        interval = np.clip(np.searchsorted(edges, ticks, side="right") - 1, 0, bins - 1)
        starts = edges[:-1].astype(np.int64).astype(times.dtype) if times.dtype.kind == "M" else edges[:-1]
    counts = np.zeros((len(starts), len(topics)), np.int64)
    for column, topic in enumerate(topics):
        np.add.at(counts[:, column], interval[codes == topic], 1)
    return starts, counts
