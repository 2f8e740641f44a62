import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tfvae.data.columns import strings
from tfvae.errors import UserError

TEXTS = ["the train was slow .", "", "où ?"]


class Wrapped:
    """A column as pyarrow's, whose items are not strings until they are asked for."""

    def to_pylist(self):
        return list(TEXTS)


@pytest.mark.parametrize(
    "column",
    [
        TEXTS,
        tuple(TEXTS),
        iter(TEXTS),
        (text for text in TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, object),
        [text.encode() for text in TEXTS],
        pd.Series(TEXTS, index=[5, 6, 7]),
        pd.DataFrame({"text": TEXTS})["text"],
        tf.constant(TEXTS),
        tf.data.Dataset.from_tensor_slices(TEXTS),
        Wrapped(),
    ],
    ids=lambda column: type(column).__name__,
)
def test_every_kind_of_column_is_a_list_of_strings(column):
    found = strings(column)
    assert found == TEXTS and {type(text) for text in found} == {str}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("one string", "texts must be a list of one string or more; this is one string"),
        (7, "texts must be a list of one string or more; this is int"),
        ([], "texts must be a list of one string or more; it is empty"),
        (["ok", float("nan")], r"texts\[1\] is nan, a missing value"),
        (pd.Series(["ok", None]), r"texts\[1\] is .*, a missing value"),
        ([None], r"texts\[0\] is None, a missing value"),
        (["ok", pd.NA], r"texts\[1\] is <NA>, a missing value"),
        (["ok", 3], r"texts\[1\] is 3, of type int: a string is wanted"),
        ([["the train was slow ."]], r"texts\[0\] is \['the train was slow .'\], of type list: a string is wanted"),
        ([b"\xff"], r"texts\[0\] is bytes that are not UTF-8"),
        (np.array([["a"], ["b"]]), r"this has 2 dimensions, \[2, 1\]"),
        (pd.DataFrame({"text": ["a", "b"]}), r"this is a table, DataFrame: name one of its columns"),
        ({"text": ["a"]}, "this is a table, dict"),
    ],
)
def test_what_is_no_column_of_strings_is_named(column, message):
    with pytest.raises(UserError, match=message):
        strings(column)
