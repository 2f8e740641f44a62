import json
import math

import numpy as np

from tfvae.evaluation.figure import Figure, mean_figure, ratio
from tfvae.evaluation.table import figure_lines, number


def test_a_mean_has_the_standard_error_of_a_mean():
    values = np.array([1.0, 2.0, 6.0])
    figure = mean_figure("x", values)
    assert (figure.value, figure.error) == (3.0, np.std(values, ddof=1) / math.sqrt(3))
    assert math.isnan(mean_figure("x", values[:1]).error)


def test_the_error_of_a_ratio_is_that_of_resampling_examples():
    rng = np.random.default_rng(0)
    length = rng.integers(5, 40, 400)
    nll = 4.0 * length + rng.normal(size=400) * 10
    value, error = ratio(nll, length)
    assert value == nll.sum() / length.sum()
    draws = rng.integers(0, 400, (4000, 400))
    resampled = nll[draws].sum(1) / length[draws].sum(1)
    np.testing.assert_allclose(error, resampled.std(), rtol=0.05)


def test_a_figure_goes_through_json():
    figure = Figure("x", np.float32(0.5), np.array([math.nan, 1.0]), "nats", "so", {"samples": np.int64(3), "of": np.arange(2)})
    values = json.loads(json.dumps(figure.to_dict()))
    assert values == {
        "name": "x",
        "value": 0.5,
        "error": [None, 1.0],
        "unit": "nats",
        "estimator": "so",
        "settings": {"samples": 3, "of": [0, 1]},
    }
    assert Figure.from_dict(values).to_dict() == values


def test_numbers_keep_the_digits_that_say_something():
    assert [number(x) for x in (0.12345, 12.345, 1234.5, 1234567, -0.5, None)] == ["0.123", "12.35", "1,234", "1,234,567", "-0.500", "-"]


def test_lines_name_value_error_and_unit_and_labels_make_tables():
    settings = {"label": "act", "codes": "joint", "clusters": 4}
    names = ("adjusted_mutual_information", "homogeneity", "homogeneity_shuffled", "completeness", "v_measure")
    figures = [
        Figure("kl", 1.5, 0.25, "nats"),
        Figure("use", [[0.5, 0.5], [0.25, 0.75]]),
        Figure(names[0], 0.5, 0.125, settings=settings),
        *(Figure(name, 0.5, settings=settings) for name in names[1:]),
        Figure("accuracy_vote", 0.75, settings={"label": "act"}),
    ]
    lines = [" ".join(line.split()) for line in figure_lines(figures)]
    assert lines == [
        "kl 1.500 ± 0.250 nats",
        "use 0.500 0.500 0.250 0.750",
        "accuracy_vote[act] 0.750",
        "",
        "act and … clusters AMI homogeneity (shuffled) completeness V",
        "joint 4 0.500 ± 0.125 0.500 0.500 0.500 0.500",
    ]


def test_tables_have_the_measures_that_were_made_and_one_column_for_two_names_of_a_number():
    names = ("adjusted_mutual_information", "v_measure", "normalized_mutual_information", "adjusted_rand_index", "clustering_accuracy")
    settings = {"label": "act", "codes": "joint", "clusters": 4}
    figures = [Figure(name, 0.1 * i, settings=settings) for i, name in enumerate(names)]
    figures.append(Figure("v_measure", 0.75, settings={**settings, "codes": "LDA of 4"}))
    lines = [" ".join(line.split()) for line in figure_lines(figures)]
    assert lines == ["", "act and … clusters AMI V = NMI ARI accuracy", "joint 4 0.000 0.100 0.300 0.400", "LDA of 4 4 - 0.750 - -"]
