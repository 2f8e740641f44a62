"""Which settings mean something for a model, and which parts go together: all of it follows from the tables of parts."""

from collections.abc import Iterable
from typing import Any, cast

from tfvae.config import Config, DataConfig
from tfvae.config.rules import JOIN
from tfvae.data.corpora import DIALOGUES, FILES
from tfvae.data.tables import KINDS
from tfvae.data.tokenizers import READING
from tfvae.errors import UserError, suggest
from tfvae.modalities.modality import Modality
from tfvae.objectives import schedules
from tfvae.registry.corpora import BAGS, CORPORA
from tfvae.registry.families import family_named
from tfvae.registry.parts import AUXILIARIES, MODALITIES, TABLES, Part
from tfvae.registry.products import JOINED
from tfvae.registry.views import check_views

WITH_FEATURES = {"words": "featured_words"}
"""What an example becomes where it has features beside."""
WITH_CONTEXT = {"words": "turns"}
"""What an example becomes where it comes with what was said before."""


def part_of(config: Config, section: str) -> Part:
    """Returns the kind of part that a section of a configuration names.

    Raises:
      UserError: there is no such kind.
    """
    kind, table = getattr(config, section).kind, TABLES[section]
    kinds = kind.split(JOIN) if section in JOINED else [kind]
    if unknown := [name for name in kinds if name not in table]:
        raise UserError(f"config.{section}.kind = {kind!r} is not a kind{suggest(unknown[0], table)}")
    if len(kinds) == 1:
        return table[kind]
    if len(set(kinds)) < len(kinds):
        raise UserError(f"config.{section}.kind = {kind}: a kind is named once")
    return JOINED[section]({name: table[name] for name in kinds})


def lacks(config: Config) -> dict[str, str]:
    """Returns what a configuration's latent has not, and why settings about that mean nothing."""
    part = part_of(config, "latent")
    given = {need for setting, needs in part.gives.items() if getattr(config.latent, setting) for need in needs}
    return {need: reason for need, reason in part.lacks.items() if need not in given}


def has_z(config: Config) -> bool:
    """Returns whether there is a latent variable at all."""
    return "z" not in lacks(config)


def observed(config: Config) -> dict[str, Any]:
    """Returns what of a batch there is to be read, "reads", and whether its words, or the like, are "ordered"."""
    return {"reads": MODALITIES[config.data.modality].reads, "ordered": config.data.name not in BAGS}


def check_fitting(config: Config) -> None:
    """Checks that the parts can be put together: each reads what an example of the corpus has.

    Raises:
      UserError: names the part that does not, and those of its kind that do.
    """
    own = CORPORA.get(config.data.name, {}).get("data.modality", DataConfig().modality)
    own = WITH_FEATURES.get(own, own) if config.data.features else own
    own = WITH_CONTEXT.get(own, own) if config.data.context else own
    if config.data.context and (reason := _of_data(config, "data.context")):
        raise UserError(f"config.data.context = {config.data.context}: {reason}")
    if config.data.modality != own:
        raise UserError(f"config.data.modality = {config.data.modality}: the corpus {config.data.name} has {own}; leave it out")
    given = MODALITIES[config.data.modality].reads.split()
    for section in ("encoder", "decoder") if has_z(config) else ("decoder",):
        if (part_of(config, section).reads or given[0]) not in given:
            fitting = " or ".join(name for name, part in TABLES[section].items() if part.reads in given)
            kind, article = getattr(config, section).kind, "An" if section == "encoder" else "A"
            raise UserError(
                f"config.{section}.kind = {kind}: reads {part_of(config, section).reads}, and the corpus {config.data.name} has "
                f"{' and '.join(given)}. "
                f"{article} {section} for it is {fitting}: --{section}={fitting.split(' ')[0]}"
            )
    if config.data.name in BAGS and getattr(part_of(config, "decoder").make, "ordered", False):
        raise UserError(
            f"config.decoder.kind = {config.decoder.kind}: writes words in their order, which the corpus {config.data.name} has not; "
            "--decoder=bag_of_words does without"
        )
    for name in AUXILIARIES:
        if auxiliary_weight(config, name) and (reason := reason_unused(config, f"objective.{name}_weight")):
            raise UserError(f"config.objective.{name}_weight means nothing for model {config.model}: {reason}; leave it out")
    if part_of(config, "inference").reads not in ("", MODALITIES[config.data.modality].reads):
        kind, reads = config.inference.kind, part_of(config, "inference").reads
        raise UserError(f"config.inference.kind = {kind}: reads {reads} alone, and the corpus {config.data.name} has {' and '.join(given)}")
    if "views" in part_of(config, "inference").settings(config.inference):
        check_views(config.inference.views, **observed(config))
    unmet = not set(part_of(config, "inference").replaces) <= set(part_of(config, "latent").settings(config.latent))
    missing = lacks(config)
    if unmet or ("logits" in part_of(config, "inference").needs and "logits" in missing):
        raise UserError(
            f"config.inference.kind = {config.inference.kind}: the latent {config.latent.kind} takes no codes from heads of their own; "
            "a mixture does: --config.latent.kind=marginal_mixture"
        )
    for needed in part_of(config, "inference").needs:
        if needed in missing:
            named = f"config.inference.kind = {config.inference.kind} means nothing for model {config.model}"
            raise UserError(f"{named}: {missing[needed]}; leave it out")
    if "family" in part_of(config, "latent").settings(config.latent):
        family_named(config.latent.family)


def auxiliary_weight(config: Config, name: str) -> float:
    """Returns the weight of an auxiliary loss: the field of the objective that is called after it, 0 where that or another is not set."""
    return getattr(config.objective, f"{name}_weight", 0.0) if all(auxiliary_settings(config, name).values()) else 0.0


def auxiliary_settings(config: Config, name: str) -> dict[str, Any]:
    """Returns the settings of an auxiliary loss beside its weight."""
    settings = AUXILIARIES[name].settings(config.objective)
    return {field: getattr(config.objective, field) for field in settings if field != f"{name}_weight"}


def modality_of(config: Config) -> type[Modality]:
    """Returns the kind of example that a configuration's corpus has."""
    return cast(type[Modality], MODALITIES[config.data.modality].make)


def reason_unused(config: Config, path: str) -> str:
    """Returns why a field of the configuration means nothing for its model; empty where it does."""
    for start, needed in _NEEDS:
        if path.startswith(start) and path != "latent.kind" and needed in lacks(config):
            return lacks(config)[needed]
    section, _, name = path.partition(".")
    if section == "latent" and name in part_of(config, "inference").replaces:
        return f"its inference is {config.inference.kind}, which has codes of its own"
    if section in TABLES and name != "kind":
        settings = part_of(config, section).settings(getattr(config, section))
        if name not in settings:
            return _WHY.get(path) or f"its {section} is {getattr(config, section).kind}, which has {', '.join(settings) or 'no settings'}"
    return _of_data(config, path) or _of_objective(config, path)


# What of a latent a setting is about: the first that its path begins with.
_NEEDS = (
    ("latent.", "z"),
    ("encoder.", "z"),
    ("decoder.z_to_", "z"),
    ("inference.", "z"),
    ("objective.beta", "dispersion"),
    ("objective.mi_weight", "mixture"),
    ("objective.code_weight", "mixture"),
    ("objective.agreement_weight", "mixture"),
    ("objective.label", "mixture"),
    ("objective.policy_weight", "mixture"),
    ("objective.attribute_weight", "mixture"),
    ("objective.norm_weight", "direction"),
    ("objective.samples", "noise"),
    ("objective.information_weight", "noise"),
    ("objective.kl_weight", "kl"),
    ("objective.free_bits", "kl"),
    ("objective.schedule.", "kl"),
    ("objective.bag_of_words_weight", "z"),
    ("training.aggressive", "kl"),
)
_NO_MIXTURE = "its prior is no mixture"
_WHY = {
    "latent.components": _NO_MIXTURE,
    "latent.family": _NO_MIXTURE,
    "latent.hidden_dim": _NO_MIXTURE,
    "latent.mixing": _NO_MIXTURE,
    "latent.detached_codes": "its latent is no marginal_mixture",
    "latent.variables": "it has one latent variable",
    "latent.kappa": "its latent space is no sphere",
    "latent.learn_kappa": "its posterior is not on one sphere",
    "latent.kappa_gradient": "its concentration is not learned",
    "latent.prior_kappa": "its prior is no mixture over a sphere",
}


def _of_data(config: Config, path: str) -> str:
    """Why a field that says which examples there are means nothing."""
    data = config.data
    name = path.removeprefix("data.")
    if path in ("data.train_file", "data.valid_file", "data.test_file") and data.name not in FILES:
        return f"its corpus is {data.name}; files are read with --data={'|'.join(FILES)}"
    if path in ("data.text_column", "data.label_column") and data.name not in KINDS:
        return f"its corpus is {data.name}; columns are those of --data={'|'.join(KINDS)}"
    if path == "data.context":
        if data.name not in DIALOGUES:
            return f"its corpus is {data.name}, which has no dialogues; those that have are {', '.join(DIALOGUES)}"
        return "its examples have features beside" if data.features else ""
    if path == "data.delexicalize" and data.name != "smd":
        return f"its corpus is {data.name}; smd alone has knowledge bases"
    if path == "data.split" and data.split and data.name != "yahoo":
        return f"its corpus is {data.name}; yahoo alone is split by sizes"
    if data.name in BAGS and name in ("vocabulary", "vocabulary_size", "min_count", "tokenizer", *READING):
        return f"its corpus is {data.name}, which comes with its words"
    owned = {setting for part in MODALITIES.values() for setting in part.settings(data)}
    settings = MODALITIES[data.modality].settings(data)
    if path != name and name in owned and name not in settings:
        return f"its examples are {data.modality}, which have {', '.join(settings)}"
    return ""


def _of_objective(config: Config, path: str) -> str:
    """Why a field of the objective or of training means nothing, for reasons that no part has."""
    if path.startswith("objective.schedule.") and path != "objective.schedule.kind":
        kind, used = config.objective.schedule.kind, schedules.settings(config.objective.schedule.kind)
        return "" if path.rsplit(".", 1)[1] in used else f"its schedule is {kind}, which has {', '.join(used)}"
    for part in AUXILIARIES.values():
        unread = part.reads and part.reads not in MODALITIES[config.data.modality].reads.split()
        if unread and path.removeprefix("objective.") in part.settings(config.objective):
            return f"it reads {part.reads}, and its examples are {config.data.modality}"
    if path in ("objective.label_weight", "data.labelled_share") and not config.objective.labels:
        return "no label supervises it; objective.labels names some"
    if path in ("training.init_parts", "training.freeze") and not config.training.init_from:
        return "it begins with no run's weights; --init_from names one"
    return ""


def check_applicable(config: Config, paths: Iterable[str]) -> None:
    """Checks that fields a user set mean something for the model.

    Raises:
      UserError: names the field and says why it does not.
    """
    for path in paths:
        reason = reason_unused(config, path)
        if reason:
            raise UserError(f"config.{path} means nothing for model {config.model}: {reason}; leave it out")
