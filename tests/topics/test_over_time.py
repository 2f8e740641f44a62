import datetime

import numpy as np
import pandas as pd
import pytest

from tfvae.errors import UserError
from tfvae.topics.over_time import moments, over_time


@pytest.mark.parametrize(
    "values",
    [
        ["2024-05-01", None, "2024-05-03 12:00"],
        ["2024/05/01", "", "2024-05-03T12:00:00Z"],
        [datetime.date(2024, 5, 1), None, datetime.datetime(2024, 5, 3, 12)],
        list(pd.Series([pd.Timestamp("2024-05-01"), pd.NaT, pd.Timestamp("2024-05-03 12:00")])),
    ],
)
def test_dates_are_read_however_they_are_held(values):
    found = moments(values)
    assert found.dtype == "datetime64[us]" and np.isnat(found).tolist() == [False, True, False]
    assert found[2] == np.datetime64("2024-05-03T12:00")


def test_numbers_are_times_too_and_what_is_neither_is_named():
    np.testing.assert_array_equal(moments([2019, "2020", 2021.5, None]), [2019, 2020, 2021.5, np.nan])
    with pytest.raises(UserError, match=r"year\[1\] is 'soon': a date is wanted"):
        moments(["2024-05-01", "soon"], "year")
    with pytest.raises(UserError, match=r"times\[0\] is 3: a date is wanted"):
        moments([3, "2024-05-01"])


def test_texts_are_counted_at_each_time_or_in_intervals():
    codes = np.array([0, 1, 1, 0, 2, 1])
    starts, counts = over_time(codes, np.array([2019.0, 2019, 2020, 2022, np.nan, 2022]), [0, 1, 2])
    assert starts.tolist() == [2019, 2020, 2022] and counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 1, 0]]
    days = np.datetime64("2024-01-01", "us") + np.arange(100) * np.timedelta64(1, "D")
    starts, counts = over_time(np.arange(100) % 2, days, [0, 1], bins=4)
    assert counts.tolist() == [[13, 12], [12, 13], [13, 12], [12, 13]] or counts.sum() == 100
    assert starts[0] == days[0] and starts.dtype == days.dtype
    with pytest.raises(UserError, match="no text has a time"):
        over_time(codes, np.full(6, np.nan), [0])
