"""What evaluated runs show: whether what papers lead one to expect holds, and how codes fare against clusters of the texts."""

import functools
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfvae.evaluation.evaluate import figures_of
from tfvae.evaluation.published import INFORMED, PUBLISHED, informed
from tfvae.evaluation.table import number
from tfvae.evaluation.verdict import Verdict, verdicts
from tfvae.latents.spherical import kl_to_uniform
from tfvae.reports.result import Result


def claims(members: Sequence[Result]) -> str:
    """Returns what the papers say will happen, held against the figures of every run of a model; "" where they say nothing."""
    by_model: dict[str, list[Result]] = {}
    for member in members:
        by_model.setdefault(f"{member.config.model}{INFORMED if informed(member.config) else ''}", []).append(member)
    lines = []

    def figures(model: str, name: str) -> list[Any]:
        """A figure of every run of a model; none where one of them has it not."""
        values = [member.value(name) for member in by_model[model]]
        return [] if any(value is None for value in values) else values

    def claim(text: str, needed: Sequence[Sequence[Any]], judge: Callable[[], tuple[bool, str]]) -> None:
        if not all(needed):
            lines.append(f"- not measured: {text}")
            return
        holds, measured = judge()
        lines.append(f"- {'holds' if holds else '**does not hold**'}: {text} ({measured})")

    if {"gm_vae", "dem_vae"} <= by_model.keys():
        plain, dispersed = (figures(model, "mutual_information_c") for model in ("gm_vae", "dem_vae"))
        merge = "the components of `gm_vae` merge: no variable has an MI(x;c) of .05 nats"
        claim(merge, [plain], lambda: (np.max(plain) < 0.05, f"largest {np.max(plain):.4f}"))
        stay = "those of `dem_vae` do not: every variable has .2 nats or more"
        claim(stay, [dispersed], lambda: (np.min(dispersed) >= 0.2, f"smallest {np.min(dispersed):.3f}"))
        low, high = (figures(model, "natural_variance") for model in ("gm_vae", "dem_vae"))
        wide = "their variance is 100 times that of `gm_vae` or more"
        claim(wide, [low, high], lambda: (min(high) >= 100 * max(low), f"{number(min(high))} against {max(low):.2g}"))
        for name, sign in (("bleu", 1), ("reconstruction", -1)):
            worse, better = figures("gm_vae", name), figures("dem_vae", name)
            claim(f"`dem_vae` reconstructs better than `gm_vae`: {name}", [worse, better], functools.partial(_better, better, worse, sign))
    for model in [name for name in by_model if f"{name}{INFORMED}" in by_model]:
        for name, text in (("mutual_information_c_mean", "codes tell more of x"), ("bleu", "reconstructions are better")):
            without, with_it = figures(model, name), figures(f"{model}{INFORMED}", name)
            text = f"with the term of mutual information `{model}`'s {text}: {name}"
            claim(text, [without, with_it], functools.partial(_better, with_it, without, 1))
    if "vmf_vae" in by_model and not any(member.config.latent.learn_kappa for member in by_model["vmf_vae"]):
        found = figures("vmf_vae", "kl_z")
        constants = [kl_to_uniform(member.config.latent.dim, member.config.latent.kappa) for member in by_model["vmf_vae"]]
        claim(
            "the KL of `vmf_vae` is the constant of its dimension and kappa",
            [found],
            lambda: (
                all(abs(kl - constant) < 1e-3 for kl, constant in zip(found, constants, strict=True)),
                f"{found[0]:.5f}, constant {constants[0]:.5f}",
            ),
        )
    [printed] = [row.values["word_kl_greedy"] for row in PUBLISHED["ptb"] if row.model == "test set"]
    real = [value for member in members if (value := member.value("word_kl_real")) is not None]
    same = "the word-level KL of the test split's own sentences is what Shi et al. print"
    claim(same, [real], lambda: (abs(real[0] - printed) < 0.005, f"{real[0]:.3f}, printed {printed:.2f}"))
    return "### What the papers lead one to expect\n\n" + "\n".join(lines) + "\n" if lines else ""


def _better(ours: Sequence[float], theirs: Sequence[float], sign: int) -> tuple[bool, str]:
    """Whether every one of our figures is above (sign 1) or below (sign -1) every one of theirs, and what they are."""
    holds = min(sign * value for value in ours) > max(sign * value for value in theirs)
    return holds, f"{number(statistics.fmean(ours))} against {number(statistics.fmean(theirs))}"


def against_baselines(members: Sequence[Result]) -> str:
    """Returns where codes agree better with labels than baselines do, and which run comes closest; "" without labels."""
    judged: dict[str, list[tuple[Verdict, Result]]] = {}
    for member in members:
        for verdict in verdicts(figures_of(member.evaluation)):
            judged.setdefault(verdict.label, []).append((verdict, member))
    lines = []
    for label, pairs in judged.items():
        lines += [f"- {label}, {member.title}: {verdict.text}" for verdict, member in pairs]
        if len(pairs) > 1:
            verdict, member = max(pairs, key=lambda pair: pair[0].lead)
            which = "is furthest ahead of" if verdict.lead > 0 else "comes closest to"
            lines.append(f"- {label}: of these runs {member.title} {which} what the best baseline reaches.")
    return "### Codes against clusters of the texts\n\n" + "\n".join(lines) + "\n" if lines else ""
