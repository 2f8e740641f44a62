"""What a search optimises: figures of a trained model on validation, and formulas of them."""

from __future__ import annotations

import ast
import dataclasses
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tfvae.errors import UserError, suggest

if TYPE_CHECKING:
    from tfvae.models.vae import VAE
    from tuning.measured import Measured

BALANCE = "log_perplexity - use"
"""The objective unless another is named, of a model that has codes: a nat a token is given for codes that are fully used."""


PROXY = {"sentences": 5000, "held_out": 500, "units": 100, "epochs": 4}
"""Of the reverse perplexity of a search."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """A figure that a search can optimise.

    Attributes:
      question: which question a search answers that optimises it alone.
      measure: computes it.
      direction: min or max.
      needs: what a model must have: codes, density, sentences from its prior, a posterior with a density, or a z.
    """

    question: str
    measure: Callable[..., float]
    direction: str
    needs: str = ""


METRICS: Mapping[str, Metric] = {
    "nll_bound": Metric(
        "-ELBO, nats an example: which model has the best bound; always answers beta = 0 and the smallest kappa",
        lambda m: m.likelihood["nll_bound"],
        "min",
        "density",
    ),
    "nll_iw": Metric(
        "importance-weighted -log p(x), nats an example: which model predicts text best; leans to beta = 0 and the smallest kappa",
        lambda m: m.likelihood["nll_iw"],
        "min",
        "density",
    ),
    "log_perplexity": Metric("the same in nats a token, or a pixel", lambda m: m.log_perplexity(), "min", "density"),
    "reconstruction": Metric(
        "-log p(x|z), nats an example: which model keeps most; all there is of an auto-encoder",
        lambda m: m.likelihood["reconstruction"],
        "min",
        "size",
    ),
    "mutual_information": Metric(
        "I(x; c), nats, the mean over variables: whose codes tell most; leans to the largest K, as it may be up to log K",
        lambda m: float(m.information.mean()),
        "max",
        "codes",
    ),
    "mutual_information_z": Metric(
        "I(x; z), nats, of at most the logarithm of the sentences: whose z tells most; leans to the largest kappa",
        lambda m: m.mutual_information_z(),
        "max",
        "posterior",
    ),
    "use": Metric("I(x; c) as a share of log K: whose codes are used best; leans to the smallest K", lambda m: m.use(), "max", "codes"),
    "ami": Metric(
        "ami.<label>, adjusted mutual information of joint code and label, 0 by chance whatever K: whose codes are the label's classes",
        lambda m, label: m.ami(label),
        "max",
        "codes",
    ),
    "reverse_perplexity": Metric(
        f"perplexity of the split under a language model of {PROXY['sentences']:,} generated sentences: whose samples cover the text",
        lambda m: m.reverse_perplexity(),
        "min",
        "sentences",
    ),
}
"""Figures by name; homogeneity is not among them, since it always answers the largest K."""

_LONGEST = 400
_OPERATIONS: Mapping[type, Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}


@dataclasses.dataclass(frozen=True)
class Objective:
    """A metric or a formula of metrics.

    Attributes:
      text: as it was given.
      names: the metrics in it.
      direction: min or max; a formula is minimised.
    """

    text: str
    names: tuple[str, ...]
    direction: str

    def __call__(self, measured: Mapping[str, float] | Measured) -> float:
        """Returns its value from those of its metrics."""
        return _value(ast.parse(self.text, mode="eval").body, measured)

    def better(self, one: float, other: float) -> bool:
        """Whether one value is better than another."""
        return one < other if self.direction == "min" else one > other


def capabilities(vae: VAE) -> dict[str, bool]:
    """Returns which of METRICS' needs a model meets."""
    latent = vae.latent
    return {
        "codes": latent.has_codes,
        "density": latent.has_density,
        "posterior": latent.has_density and latent.size > 0,
        "sentences": latent.has_prior and vae.decoder.ordered,
        "size": latent.size > 0,
    }


def read_objective(text: str, has: Mapping[str, bool], labels: Mapping[str, Any]) -> Objective:
    """Makes the objective that a command line names.

    Args:
      text: a metric, or a formula such as "log_perplexity - 0.5 * use", which is minimised; empty: BALANCE for a model with codes, else
        log_perplexity.
      has: whether the model has what the metrics need: see `capabilities`.
      labels: of the corpus.

    Raises:
      UserError: no formula, an unknown metric, or one that does not apply.
    """
    text = text.strip() or (BALANCE if has["codes"] else "log_perplexity" if has["density"] else "reconstruction")
    if len(text) > _LONGEST:  # Python reads no deeper ones than it has room for
        raise UserError(f"--objective={text[:40]}…: a formula has at most {_LONGEST} characters, not {len(text):,}")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        raise UserError(f"--objective={text}: is no formula; write a metric, or one such as {BALANCE!r}") from None
    names = tuple(dict.fromkeys(_names(tree, text)))
    if not names:
        raise UserError(f"--objective={text}: names no metric: write one of {', '.join(METRICS)}")
    for name in names:
        head, _, label = name.partition(".")
        if head == "homogeneity":
            raise UserError(f"--objective={text}: homogeneity always answers the largest K; take ami.<label>, 0 by chance whatever K")
        if head not in METRICS or (label and head != "ami"):
            raise UserError(f"--objective={text}: {name} is not a metric{suggest(head, METRICS)}")
        if head == "ami" and label not in labels:
            told = f"labels are {', '.join(f'ami.{known}' for known in labels)}" if labels else "the corpus has none"
            raise UserError(f"--objective={text}: {name}: no such label: {told}")
        needs = METRICS[head].needs
        if needs and not has[needs]:
            raise UserError(f"--objective={text}: {name} means nothing for this model, which has no {needs}; use another")
    direction = METRICS[names[0].partition(".")[0]].direction if text == names[0] else "min"
    return Objective(text, names, direction)


def _names(node: ast.AST, text: str) -> list[str]:
    """The metrics of a formula, in order; all else in it must be arithmetic."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return [f"{node.value.id}.{node.attr}"]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return []
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _names(node.left, text) + _names(node.right, text)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATIONS:
        return _names(node.operand, text)
    raise UserError(f"--objective={text}: only metrics, numbers, + - * / and parentheses may be in it")


def _value(node: ast.AST, measured: Mapping[str, float] | Measured) -> float:
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.BinOp):
        return _OPERATIONS[type(node.op)](_value(node.left, measured), _value(node.right, measured))
    if isinstance(node, ast.UnaryOp):
        return _OPERATIONS[type(node.op)](_value(node.operand, measured))
    return measured[_names(node, "")[0]]
