import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tfvae.data.columns import labelled, strings
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


def test_labels_of_texts_may_be_one_column_or_several():
    frame = pd.DataFrame({"text": ["a", " ", "b"], "topic": ["x", "y", None], "stars": [5, 1, 2]})
    found = labelled(frame["text"], frame["topic"])
    assert list(found.texts) == ["a", "b"] and found.labels == {"label": ["x", "(none)"]} and found.lines.tolist() == [1, 3]
    assert labelled(frame["text"], frame[["topic", "stars"]]).labels == {"topic": ["x", "(none)"], "stars": ["5", "2"]}
    assert labelled(["a", "b"], {"topic": np.array([b"x", b"y"])}).labels == {"topic": ["x", "y"]}
    assert labelled(iter(["a"])).labels == {}
    with pytest.raises(UserError, match="2 texts and 1 labels of label: one a text is wanted"):
        labelled(["a", "b"], ["x"])
    with pytest.raises(UserError, match="labels label must be a list of one string or more; this is one string"):
        labelled(["a", "b"], "xy")
    with pytest.raises(UserError, match="texts: no text holds any text"):
        labelled(["", " "])
