"""Components of the prior during training.

References:
  Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, figure 4.
"""

import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tfvae.data.batching import spread
from tfvae.evaluation.latent_use import information
from tfvae.reports import pictures, space
from tfvae.training.fit import load
from tfvae.training.run import Run

_EPOCHS = 4
CAPTION = (
    "One variable's prior components (outlines) and the posterior means of the same validation examples, coloured by code, from the first "
    "epoch to the last: in a collapse the components come to lie on each other, dispersed ones keep apart."
)


def snapshots(run: Run) -> list[tuple[int, pathlib.Path]]:
    """Returns the epochs whose snapshots are drawn, spread from the first to the last, and their files."""
    found = run.snapshots()
    return [found[i] for i in spread(len(found), _EPOCHS)] if found else []


def draw(stories: Sequence[tuple[Run, Sequence[tuple[int, pathlib.Path]]]]) -> Figure:
    """Draws rows of runs, columns of epochs: the variable of each run whose codes tell most at the end."""
    columns = max(len(epochs) for _, epochs in stories)
    figure = Figure(figsize=(2.7 * columns, 2.7 * len(stories)), layout="constrained")
    grid = figure.subplots(len(stories), columns, squeeze=False)
    for line, (run, epochs) in zip(grid, stories, strict=True):
        config, latent = run.config(), load(str(run.path)).vae.latent
        with np.load(epochs[-1][1]) as last:
            variable = space.most_used(information(last["code_probabilities"]).mean(axis=0), 1)[0]
            view = space.plane(space.of_variable(last["mean"], latent, variable))
        for axes in line[len(epochs) :]:
            axes.set_visible(False)
        for (epoch, file), axes in zip(epochs, line, strict=False):
            with np.load(file) as snapshot:
                points = view.project(space.of_variable(snapshot["mean"], latent, variable))
                samples = view.project(space.component_samples(latent.coded_part(), snapshot["components"])[variable])
                codes = snapshot["code_probabilities"][:, variable].argmax(-1)
            pictures.scatter(axes, points, codes, [], legend=False)
            pictures.outlines(axes, samples, spheres=config.on_spheres)
            axes.set_title(f"{config.model}, variable {variable}, epoch {epoch}", fontsize=8)
    return figure
