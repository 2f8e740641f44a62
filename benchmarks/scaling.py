"""Time of a training step against samples, length, vocabulary and batch: measured, and drawn."""

import math
import statistics
import sys

from tfvae.errors import UserError

BASE = {"samples": 1, "time": 20, "vocabulary": 10_000, "batch": 30}
SWEEPS = {
    "samples": [1, 2, 4, 8, 16, 32],
    "time": [10, 20, 40, 80, 160],
    "vocabulary": [2_500, 5_000, 10_000, 20_000, 40_000],
    "batch": [8, 15, 30, 60, 120, 240],
}
LABELS = {"samples": "posterior samples S", "time": "words a sentence T", "vocabulary": "vocabulary V", "batch": "sentences a batch B"}


def measure_scaling(worker, model, overrides, threads, repeats=5):
    """Returns for each quantity its values, the median seconds of a step at each, the others as in `BASE`, and the exponent.

    The exponent is the greatest slope, on logarithmic axes, from one value to the one after the next: 1 is linear growth.
    """
    answer = {}
    for name, values in SWEEPS.items():
        seconds = []
        for value in values:
            sizes = {**BASE, name: value}
            made = worker.ask("synthetic", model=model, overrides=overrides, threads=threads, repeats=repeats, **sizes)
            seconds.append(statistics.median(made["seconds"]))
            print(f"{name} {value}: {seconds[-1]:.4f} s", file=sys.stderr)
        answer[name] = {"values": values, "seconds": [round(value, 5) for value in seconds], "exponent": _exponent(values, seconds)}
    return answer


def _exponent(values, seconds):
    spans = zip(values, values[2:], seconds, seconds[2:], strict=False)
    return round(max(math.log(later / sooner) / math.log(larger / smaller) for smaller, larger, sooner, later in spans), 2)


def draw_scaling(answer, path):
    """Draws what `measure_scaling` returned, with a line of linear growth in each panel.

    Raises:
      UserError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(answer), figsize=(13, 3.4), sharey=True)
    for axis, (name, sweep) in zip(axes, answer.items(), strict=True):
        values, seconds = sweep["values"], sweep["seconds"]
        axis.loglog(values, seconds, "o-", color="black", label="measured")
        axis.loglog(values, [seconds[-1] * value / values[-1] for value in values], "--", color="gray", label="linear growth")
        axis.set_xticks(values, [f"{value:,}" for value in values], minor=False)
        axis.minorticks_off()
        axis.set_xlabel(LABELS[name])
    axes[0].set_ylabel("seconds a training step")
    axes[0].legend(frameon=False)
    figure.tight_layout()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise UserError(f"--scaling={path}: {error}") from None
