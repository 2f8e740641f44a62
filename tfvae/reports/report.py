"""A page about a run that needs no network: figures, component cards, pictures of the space, walks."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jinja2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import adjusted_mutual_info_score

from tfvae.config import Config
from tfvae.data import corpora
from tfvae.data.escapes import visible
from tfvae.data.files import write_text
from tfvae.errors import UserError
from tfvae.evaluation.compare import ALL_COLUMNS, Row, cells, changes, rows
from tfvae.evaluation.evaluate import figures_of, read_evaluation, reason_absent, split_evaluation
from tfvae.evaluation.latent_use import information
from tfvae.evaluation.published import PUBLISHED
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.topics import topics_of, written
from tfvae.latents.mixture import MixtureLatent
from tfvae.progress import Progress, no_progress
from tfvae.registry import MODELS, reason_unused
from tfvae.registry.applicable import has_z, part_of
from tfvae.reports import pictures, space, story, walks
from tfvae.reports.conversations import conversations
from tfvae.reports.gauges import Gauge, gauges
from tfvae.reports.items import html_of
from tfvae.reports.pictures import Picture, picture
from tfvae.reports.predictions import Predictions, predictions_of
from tfvae.reports.results import command_line
from tfvae.topics.cards import Cards, counted, dead
from tfvae.training.fit import load
from tfvae.training.run import Run
from tfvae.training.zoo import find

_OPENED = 3  # variables whose cards are open at first
_PANELS = 20  # variables whose planes are drawn
_CLASSES = 12  # of a label, that a picture shows
_SENTENCES = 20
CURVES = {
    "loss": "objective",
    "reconstruction": "reconstruction",
    "kl_z": "KL(z)",
    "average_kl": "KL(z) without the dispersion",
    "dispersion": "dispersion",
    "kl_c": "KL(c)",
    "aggregate_kl_c": "KL(q(c) || p(c)), summed over variables",
    "mutual_information": "I(x;c), summed over variables",
    "active_components": "components in use, a variable",
    "natural_variance": "variance of natural parameters",
    "norm_penalty": "penalty on the direction's length",
    "elbo": "ELBO",
    "perplexity": "perplexity of the bound",
    "bits_per_dimension": "bits a dimension, of the bound",
    "w": "weight of the regularisers",
}


def report(
    run: str,
    *,
    split: str = "test",
    compare: Sequence[str] = (),
    seed: int = 0,
    stop_words: str = "",
    progress: Progress = no_progress,
    say: Callable[[str], None] = lambda line: None,
) -> pathlib.Path:
    """Writes report/index.html and report/pictures/ into a run directory.

    Args:
      run: the run directory.
      split: whose examples are shown.
      compare: other runs, whose components during training are drawn beside.
      seed: of what is drawn.
      stop_words: words that are not shown as telling: see `tfvae.topics.cards.Cards`.
      progress: shows how far it is.
      say: hears of what is left out, a line each.

    Returns:
      the page.

    Raises:
      UserError: a directory holds no trained run, or its corpus cannot be read.
    """
    place = find(run, writes=True)
    config = place.config()
    others = [Run(path) for path in compare]
    for other in others:
        other.config()
    made = _Report(place, config, Subject(load(run), config, corpora.read(config.data), split, seed=seed, edited=True), others, stop_words)
    parts = dict(progress("report", made.steps(), made.num_steps))
    for reason in made.left_out:
        say(reason)
    template = jinja2.Environment(loader=jinja2.PackageLoader("tfvae.reports"), autoescape=True, undefined=jinja2.StrictUndefined)
    html = template.get_template("report.html").render(**made.head(), **parts, left_out=made.left_out, sections=_sections(parts))
    (place.path / "report").mkdir(exist_ok=True)
    write_text(place.path / "report" / "index.html", visible(html))
    return place.path / "report" / "index.html"


_PARTS = (
    "table",
    "gauges",
    "curves",
    "variables",
    "dimensions",
    "predictions",
    "agreement",
    "space",
    "training",
    "conversations",
    "walks",
    "sentences",
)


def _sections(parts: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = {
        "variables": ("components", "Components"),
        "dimensions": ("dimensions", "Dimensions"),
        "predictions": ("predictions", "Predictions"),
        "agreement": ("labels", "Codes and labels"),
        "space": ("space", "The space"),
        "training": ("training", "During training"),
        "conversations": ("conversations", "Conversations"),
        "walks": ("walks", "Walks"),
    }
    found = [("figures", "Figures")] + [section for part, section in named.items() if parts[part]]
    return [*found, ("sentences", "From the prior"), ("notes", "Notes")]


class _Report:
    """The parts of one page; a part that does not apply is empty, and says why in `left_out`."""

    def __init__(self, run: Run, config: Config, subject: Subject, others: Sequence[Run], stop_words: str = "") -> None:
        self.stop_words = stop_words
        self.run, self.config, self.subject, self.others = run, config, subject, others
        self.latent = subject.model.vae.latent
        self.folder = run.path / "report" / "pictures"
        self.left_out: list[str] = []
        self.mixture = isinstance(self.latent.coded_part(), MixtureLatent)
        self.evaluation = self._evaluation()

    def _evaluation(self) -> Row | None:
        """What the run's evaluation has of the split; None where there is none, or the run was trained since."""
        if self.subject.split not in read_evaluation(self.run):
            return None
        try:
            [row] = rows([str(self.run.path)], self.subject.split)
        except UserError as error:
            self.left_out.append(f"Figures of the evaluation are left out: {error}.")
            return None
        return row

    @functools.cached_property
    def information(self) -> np.ndarray:
        """I(x; c) of each variable, nats, [J]; [0] without codes."""
        return information(self.subject.posteriors.probabilities).mean(axis=0) if self.latent.has_codes else np.zeros(0)

    @property
    def num_steps(self) -> int:
        """How many `steps` there are."""
        return len(_PARTS) + (self.latent.num_variables - 1 if self.latent.has_codes else 0)

    def steps(self) -> Iterator[tuple[str, Any]]:
        """Yields the name of each part and the part; that of the variables grows by a variable a step."""
        for name in _PARTS:
            part = getattr(self, name)()
            if isinstance(part, Iterator):
                yield from ((name, grown) for grown in part)
            else:
                yield name, part

    def head(self) -> dict[str, Any]:
        model, data = MODELS[self.config.model], self.config.data
        sizes = f"{part_of(self.config, 'latent').says(self.config.latent)} "
        versions = ", ".join(f"{name} {value}" for name, value in self.run.versions().items() if value)
        corpus, modality = self.subject.corpus, self.subject.model.modality
        return {
            "item": modality.item,
            "unit": modality.unit,
            "html": html_of(modality),
            "title": f"{self.config.model} on {data.name}",
            "summary": f"{model.summary[0].upper()}{model.summary[1:]} ({model.paper}). {sizes}Seed {self.config.training.seed}.",
            "data": f"{len(corpus.train):,} training, {len(corpus.valid):,} validation and {len(corpus.test):,} test {modality.item}s, "
            f"{modality.describe()}; this page shows the {self.subject.split} split.",
            "split": self.subject.split,
            "evaluated": self.evaluation is not None,
            "run": str(self.run.path),
            "command": command_line(self.config),
            "versions": versions,
            "opened": _OPENED,
            "training_caption": story.CAPTION,
        }

    def table(self) -> list[list[str]]:
        corpus = self.config.data.name if self.subject.split == "test" else ""
        if corpus not in PUBLISHED:
            self.left_out.append(f"No paper's figures of the {self.subject.split} split of {self.config.data.name} are known here.")
        totals = dict(self.subject.posteriors.totals)
        if self.latent.has_density:
            rate = self.subject.model.vae.decoder.rate.name
            totals |= {"nll_bound": -totals["elbo"], f"{rate}_bound": totals[rate]}
        if self.latent.has_codes:
            totals["mutual_information_c_mean"] = totals["mutual_information"] / self.latent.num_variables
        values = {name: [totals[name]] for name in ALL_COLUMNS if name in totals}
        row = Row(self.config, changes(self.config), [self.config.training.seed], values, dict.fromkeys(values))
        if kept := self.evaluation:  # of some groups of figures, perhaps
            row = dataclasses.replace(kept, values={**row.values, **kept.values}, errors={**row.errors, **kept.errors})
        return cells([row], corpus)

    def gauges(self) -> list[Gauge]:
        found, reasons = gauges(self.subject, self.information)
        self.left_out += reasons
        return found

    def curves(self) -> Picture | None:
        lines = self.run.read_metrics()
        if not lines:
            self.left_out.append("There are no figures of epochs (metrics.jsonl), so there are no curves.")
            return None
        return picture("curves", "figures of training and validation over epochs", self.folder, lambda: pictures.curves(lines, CURVES))

    def variables(self) -> Iterator[list[dict[str, Any]]]:
        if not self.latent.has_codes:
            if self.latent.size:
                self.left_out.append("The prior is no mixture: there are no components to show.")
            yield []
            return
        named_by = Cards(counted(self.subject, "train"), stop_words=self.stop_words) if self.subject.split != "train" else None
        made_by = Cards(self.subject, stop_words=self.stop_words, likeliest=self.topics, named_by=named_by)
        found: list[dict[str, Any]] = []
        for variable in space.most_used(self.information, self.latent.num_variables):
            made = made_by.of(variable)
            alive = [card for card in made if not card.dead]
            names = "; ".join(filter(None, (card.name for card in made[:3] if not card.dead))) if alive else "all dead"
            figures = {"information": f"{self.information[variable]:.2f}", "most": f"{self.subject.model.topics.most_told(variable):.2f}"}
            found.append({"number": variable, "cards": made, "names": names, **figures})
            yield found

    @functools.cached_property
    def topics(self) -> dict[str, list[str]]:
        """Telling words of components "j:k", or of dimensions, under a decoder of bags of words; none under others."""
        if reason_absent("topics", self.subject) or self.subject.model.vae.decoder.ordered:
            return {}
        found = topics_of(self.subject)
        return dict(zip(found.names, written(self.subject, found.words()), strict=True))

    def dimensions(self) -> dict[str, list[str]]:
        return {} if self.latent.has_codes else self.topics

    def predictions(self) -> list[Predictions]:
        if not self.subject.model.labels:
            return []
        evaluated = split_evaluation(self.run, self.subject.split) if self.evaluation else {}
        found = predictions_of(figures_of(evaluated), self.folder)
        if not found:
            command = f"scripts/evaluate.py --run={self.run.path} --split={self.subject.split} --metrics=predictions"
            self.left_out.append(f"Labels that the model predicts were not evaluated: {command} does that.")
        return found

    def agreement(self) -> list[Picture]:
        if not self.latent.has_codes:
            return []
        if not self.subject.data.labels:
            self.left_out.append(f"The corpus {self.config.data.name} has no labels to hold codes against.")
            return []
        if self.latent.num_components == 1:
            self.left_out.append("One component: there are no codes to hold labels against.")
            return []
        codes, found = self.subject.posteriors.codes, []
        for label, (best, score) in self.best_variables.items():
            found.append(self._heat_map(label, self.subject.data.labels[label], codes[:, best], best, score))
        return found

    @functools.cached_property
    def best_variables(self) -> dict[str, tuple[int, float]]:
        """For each label the variable whose code agrees with it most, and its adjusted mutual information."""
        codes, found = self.subject.posteriors.codes, {}
        for label, truth in self.subject.data.labels.items():
            scores = [float(adjusted_mutual_info_score(truth, codes[:, j])) for j in range(codes.shape[1])]
            best = int(np.argmax(scores))
            found[label] = best, scores[best]
        return found

    def _heat_map(self, label: str, truth: np.ndarray, codes: np.ndarray, variable: int, score: float) -> Picture:
        names = self._class_names(label, truth)
        classes = np.argsort(-np.bincount(truth, minlength=len(names)), kind="stable")[:_CLASSES]
        table = np.array([[np.mean(truth[codes == k] == one) if np.any(codes == k) else 0.0 for one in classes] for k in np.unique(codes)])
        title = f"{label} by the code of variable {variable}: AMI {score:.2f}"
        shown = [pictures.drawable(names[one], int(one)) for one in classes]
        if len(names) > _CLASSES:
            self.left_out.append(f"Of the {len(names)} classes of {label} the {_CLASSES} most frequent are in its picture.")
        names = [self.subject.model.topics.name(variable, int(k)) or f"{variable}:{k}" for k in np.unique(codes)]
        lines = [f"{pictures.drawable(name, int(k))}  ({np.mean(codes == k):.0%})" for name, k in zip(names, np.unique(codes), strict=True)]
        return picture(f"labels-{_file(label)}", title, self.folder, lambda: pictures.heat_map(table, lines, shown, title))

    def _class_names(self, label: str, truth: np.ndarray) -> list[str]:
        names = list(self.subject.corpus.label_names.get(label, ()))
        return names + [str(i) for i in range(len(names), int(truth.max()) + 1)]

    def space(self) -> list[tuple[Picture, str]]:
        latent, mean = self.latent, self.subject.posteriors.mean
        if not latent.size:
            return []
        found = []
        if self.mixture:
            flat = "" if self.config.latent.dim <= 2 else " in their two principal components"
            outlined = "outlines are the prior's components, dashed where they are dead"
            found.append((self._planes(), f"Posterior means of each variable{flat}, coloured by its code; {outlined}."))
            if self.subject.data.labels and self.latent.num_components > 1:
                of = "of the variable whose code agrees most with each label, coloured by the label"
                found.append((self._label_planes(), f"Posterior means{flat} {of}; {outlined}."))
        views = [("whole", space.plane(mean)), ("neighbours", space.neighbours(mean))]
        groups = self._groups()
        for name, view in views:
            if view is None:
                self.left_out.append("z has too few dimensions or there are too few examples for a picture of neighbourhoods (t-SNE).")
                continue
            caption = "All of z in two dimensions" if name == "whole" else "All of z by t-SNE, which keeps near what is near"
            made = picture(f"space-{name}", caption, self.folder, lambda view=view: _views(view, groups))  # type: ignore[misc]
            found.append((made, f"{caption}{': ' + ', '.join(filter(None, view.axes)) if any(view.axes) else ''}."))
        return found

    def _planes(self) -> Picture:
        chosen = space.most_used(self.information, _PANELS)
        if len(chosen) < self.latent.num_variables:
            self.left_out.append(f"Of {self.latent.num_variables} variables the {_PANELS} whose codes tell most are drawn.")

        def draw() -> Figure:
            figure, panels = pictures.panels(len(chosen))
            for variable, axes in zip(chosen, panels, strict=True):
                self._plane(axes, variable, self.subject.posteriors.codes[:, variable])
                axes.set_title(f"variable {variable}", fontsize=8)
            return figure

        return picture("space-variables", "posterior means of each variable and the prior's components", self.folder, draw)

    def _label_planes(self) -> Picture:
        labels = self.subject.data.labels

        def draw() -> Figure:
            figure, panels = pictures.panels(len(labels), most=3, size=(4.4, 3.4))
            for (label, truth), axes in zip(labels.items(), panels, strict=True):
                variable, score = self.best_variables[label]
                self._plane(axes, variable, truth, self._class_names(label, truth))
                axes.set_title(f"{label} in variable {variable}: AMI {score:.2f}", fontsize=8)
            return figure

        return picture("space-labels", "posterior means of a variable for each label, coloured by the label", self.folder, draw)

    def _plane(self, axes: Axes, variable: int, groups: np.ndarray, names: Sequence[str] = ()) -> None:
        """Draws one variable's posterior means and the prior's components; a legend where there are names."""
        view = space.plane(space.of_variable(self.subject.posteriors.mean, self.latent, variable))
        pictures.scatter(axes, view.points, groups, names, legend=bool(names))
        topic_of = self.subject.model.topics.into[variable]  # components that were merged live on in their topic
        is_dead = dead(self.subject.posteriors.probabilities[:, variable])[topic_of]
        pictures.outlines(axes, view.project(self._component_samples[variable]), spheres=self.config.on_spheres, dead=is_dead)

    @functools.cached_property
    def _component_samples(self) -> np.ndarray:
        return space.component_samples(self.latent.coded_part(), self.latent.coded_part().component_parameters().numpy())

    def _groups(self) -> list[tuple[str, np.ndarray, list[str]]]:
        """What points are coloured by: title, group of each sentence, names of the groups."""
        groups = []
        if self.latent.has_codes and self.latent.num_components > 1:
            best = space.most_used(self.information, 1)[0]
            names = [f"{best}:{k}" for k in range(self.latent.num_components)]
            groups.append((f"code of variable {best}", self.subject.posteriors.codes[:, best], names))
        for label, truth in self.subject.data.labels.items():
            names = self._class_names(label, truth)
            groups.append((label, np.asarray(truth), names))
            numbered = [f"#{i} {name}" for i, name in enumerate(names) if pictures.drawable(name, i) == f"#{i}"]
            if numbered:
                self.left_out.append(f"In pictures the classes of {label} are numbered: {', '.join(numbered)}.")
        for title, group, _ in groups:
            if (count := len(np.unique(group))) > pictures.LEGEND:
                self.left_out.append(f"Of {title} there are {count}, too many for a picture to name.")
        modality = self.subject.model.modality
        return groups or [(f"{modality.item}s", np.zeros(len(self.subject.examples), int), [modality.an_item])]

    def training(self) -> Picture | None:
        runs = [run for run in (self.run, *self.others) if not reason_unused(run.config(), "latent.family")]
        for run in (self.run, *self.others):
            if run not in runs and has_z(run.config()):
                self.left_out.append(f"{run.path} has no mixture whose components could be followed through training.")
        stories = [(run, epochs) for run in runs if (epochs := story.snapshots(run))]
        told = [run for run, _ in stories]
        for run in runs:
            if run not in told:
                self.left_out.append(f"There are no snapshots of the training of {run.path} (--config.training.snapshot_sentences=0).")
        if not stories:
            return None
        return picture("training", "components of the prior during training", self.folder, lambda: story.draw(stories))

    def conversations(self) -> list[walks.Walk]:
        return [] if reason_absent("answers", self.subject) else conversations(self.subject, self.information)

    def walks(self) -> list[walks.Walk]:
        if not self.latent.size:
            return []
        found = walks.interpolations(self.subject)
        if not found:
            self.left_out.append(f"There is one {self.subject.model.modality.item}, so none to go to from it.")
        if self.latent.has_codes and self.latent.num_components > 1:
            found += walks.switches(self.subject, self.information)
        if self.config.on_spheres:
            self.left_out.append("On a sphere no dimension can be moved alone, so there is no such walk.")
        elif not np.any(self.latent.moves_freely):
            self.left_out.append("Numbers of z that stand for codes or shares cannot be moved alone, so there is no such walk.")
        else:
            found += walks.moves(self.subject)
        return found

    def sentences(self) -> list[Any]:
        unknown = {"unknown": True} if self.subject.model.vae.decoder.ordered else {}
        return list(self.subject.model.generate(_SENTENCES, seed=self.subject.seed, **unknown, **self.subject.limits)[0])


def _views(view: space.Plane, groups: Sequence[tuple[str, np.ndarray, list[str]]]) -> Figure:
    figure, panels = pictures.panels(len(groups), most=3, size=(4.4, 3.4))
    for (title, group, names), axes in zip(groups, panels, strict=True):
        pictures.scatter(axes, view.points, group[view.index], names)
        axes.set_title(title, fontsize=9)
    return figure


def _file(label: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in label)
