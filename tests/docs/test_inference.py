"""The page on refined posteriors, executed as a reader would."""

import pathlib
import re

import numpy as np
import tensorflow as tf

from tfvae.registry import resolve

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "inference.md"


def test_the_page_s_example_runs_and_refines():
    [block] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict = {}
    exec(block, names)
    before, after = (tf.reduce_sum(names["loss"](params, tf.zeros([2, 2]))) for params in (names["start"], names["refined"]))
    assert after < before and names["losses"].shape == (10, 2) and names["path"][0].shape == (10, 2, 2)
    assert all(np.any(slope) for slope in names["slopes"])


def test_the_page_s_settings_are_those_that_are_there():
    rows = re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \|.*\| `?([\w., ]+)`? \|$", PAGE.read_text().split("The paper's four")[0], re.MULTILINE)
    settings = resolve("sa_vae", "demo").inference
    told = {}
    for first, second, values in rows:
        told |= dict(zip(filter(None, (first, second)), values.split(", "), strict=True))
    assert told == {name: str(getattr(settings, name)).removesuffix(".0") for name in told}
    assert set(told) == {"steps", "rate", "momentum", "clip", "samples", "answer_samples", "gradient", "sides"}
