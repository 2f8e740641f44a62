"""Whether codes agree with a label better than clusters that cost no model, in a sentence."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from tfvae.evaluation.figure import Figure

_LEVEL = 2  # standard errors of a difference within which it says nothing


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How codes fare.

    Attributes:
      label: the label's name.
      text: the sentence, without the label.
      lead: by how much adjusted mutual information codes lead the best of all baselines and rules (or trail, below 0).
    """

    label: str
    text: str
    lead: float

    def __str__(self) -> str:
        """The sentence, with the label."""
        return f"{self.label}: {self.text}"


def verdicts(figures: Sequence[Figure]) -> Iterator[Verdict]:
    """Yields a verdict for each label that codes and baselines were held against."""
    for label in dict.fromkeys(str(figure.settings["label"]) for figure in figures if "codes" in figure.settings):
        if found := verdict(figures, label):
            yield found


def verdict(figures: Sequence[Figure], label: str) -> Verdict | None:
    """Holds the code that agrees most with a label against baselines of as many clusters, and all; None without codes or baselines."""
    found = {
        str(figure.settings["codes"]): figure
        for figure in figures
        if figure.name == "adjusted_mutual_information" and figure.settings.get("label") == label
    }
    own, baselines, rules = ({name: f for name, f in found.items() if _kind(name) == kind} for kind in ("code", "baseline", "rule"))
    if not own or not baselines:
        return None
    code = _best(own)
    values = own[code].settings["clusters"]
    alike = _best(_of_size(baselines, values))
    best = _best(baselines | rules)
    which = "the joint code" if code == "joint" else f"the code of {code}"
    first, second = (_fares(own[code], found[other]) for other in (alike, best))
    text = f"{which} ({values:,} value{'s' * (values > 1)}, AMI {_measured(own[code])}) {first} {_named(alike, found)}"
    if best != alike:
        text += f", {'and also' if second == first else 'but'} {second} {_named(best, found)}"
    text += ", the best of all baselines"
    return Verdict(label, text, own[code].value - found[best].value)


def _kind(name: str) -> str:
    """What made a clustering, as its name tells."""
    if name.startswith("rule: "):
        return "rule"
    if name.startswith("supervised "):
        return "supervised"
    return "baseline" if " of " in name else "code"


def _best(figures: Mapping[str, Figure]) -> str:
    return max(figures, key=lambda name: figures[name].value)


def _of_size(baselines: Mapping[str, Figure], size: int) -> dict[str, Figure]:
    """The baselines with as many clusters as a code has values; where there are none, those with the next more, or else with the most."""
    sizes = {name: int(name.rpartition(" of ")[2]) for name in baselines}
    wanted = min((other for other in sizes.values() if other >= size), default=max(sizes.values()))
    return {name: baselines[name] for name in baselines if sizes[name] == wanted}


def _fares(code: Figure, other: Figure) -> str:
    errors = [figure.error for figure in (code, other) if figure.error is not None]
    lead = code.value - other.value
    if abs(lead) <= _LEVEL * math.hypot(*errors):
        return "is level with"
    return "wins against" if lead > 0 else "loses to"


def _named(name: str, figures: Mapping[str, Figure]) -> str:
    return f"{name} ({_measured(figures[name])})"


def _measured(figure: Figure) -> str:
    """A figure's value, and its standard error where it has one."""
    return f"{figure.value:.3f}" + ("" if figure.error is None else f" ± {figure.error:.3f}")
