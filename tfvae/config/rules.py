"""Which kinds of parts there are, and what fields of a configuration must agree on, kind by kind.

A kind is described where its part is registered (`tfvae.registry.parts`); its name stands here, since a configuration is checked, and its
fields are listed, without the parts.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tfvae.config.labels import supervised

KINDS: dict[str, list[str]] = {
    "data.modality": ["words", "featured_words", "pixels", "turns"],
    "encoder.kind": ["recurrent", "bag_of_words", "features", "perceptron", "residual", "none"],
    "latent.kind": [
        *("gaussian", "spherical", "polar", "mixture", "marginal_mixture", "point", "none", "discrete", "mixture_of_priors", "vamp"),
    ],
    "decoder.kind": ["recurrent", "bag_of_words", "perceptron", "pixel_cnn", "contextual"],
    "inference.kind": ["amortized", "code_heads", "linear", "ngrams", "refinement"],
}
"""Names that the field of a kind may have; `tfvae.registry.parts.register` adds to them."""
JOIN = "+"
"""What joins the names of kinds that stand side by side, where a field admits several."""


def _tied_sizes(config: Any) -> str:
    decoder = config.decoder
    if decoder.tied_embeddings and decoder.embedding_dim != decoder.hidden_dim:
        return (
            f"config.decoder.tied_embeddings needs embedding_dim = hidden_dim, not {decoder.embedding_dim} and "
            f"{decoder.hidden_dim}: make them equal or set config.decoder.tied_embeddings=false"
        )
    return ""


def _at_least_one_layer(config: Any) -> str:
    return "" if config.decoder.num_layers else f"config.decoder.num_layers = 0: a {config.decoder.kind} decoder has at least 1"


def _odd_kernel(section: str) -> Callable[[Any], str]:
    def rule(config: Any) -> str:
        size = getattr(config, section).kernel_size
        return "" if size % 2 else f"config.{section}.kernel_size = {size}: must be odd, so that a kernel has a centre"

    return rule


def _z_arrives(*switches: str) -> Callable[[Any], str]:
    """A rule: z reaches the decoder by `z_to_inputs` or by one of the switches."""

    def rule(config: Any) -> str:
        decoder = config.decoder
        if config.latent.kind == "none" or decoder.z_to_inputs != "none" or any(getattr(decoder, switch) for switch in switches):
            return ""
        off = f"{' and '.join(switches)} {'are' if len(switches) > 1 else 'is'} false"
        return f"config.decoder: {off} and z_to_inputs is none, so z would not reach the decoder: set one"

    return rule


_ON_SPHERES: dict[str, Callable[[Any], bool]] = {
    "spherical": lambda latent: True,
    "polar": lambda latent: True,
    "mixture": lambda latent: latent.family == "von_mises_fisher",
    "marginal_mixture": lambda latent: latent.family == "von_mises_fisher",
    "mixture_of_priors": lambda latent: latent.family == "von_mises_fisher",
}


def on_spheres(latent: Any) -> bool:
    """Returns whether the variables of a latent's settings are points of spheres."""
    return any(_ON_SPHERES.get(kind, lambda latent: False)(latent) for kind in latent.kind.split(JOIN))


def _sphere_size(config: Any) -> str:
    if on_spheres(config.latent) and config.latent.dim < 2:
        return "config.latent.dim = 1: the von Mises-Fisher family lives on spheres of 2 dimensions or more"
    return ""


def _norms(config: Any) -> str:
    latent = config.latent
    if latent.norm_width >= latent.norm_max:
        return f"config.latent.norm_width = {latent.norm_width:g}: must be below norm_max = {latent.norm_max:g}"
    if config.inference.kind == "refinement":
        return (
            "config.latent.kind = polar: norms of two posteriors have no finite KL, so none can be refined: set "
            "config.inference.kind=amortized"
        )
    return ""


def _teachable(config: Any) -> str:
    objective = config.objective
    if not config.inference.trainable or objective.agreement_weight or objective.labels or not config.latent.detached_codes:
        return ""
    return (
        "config.inference.trainable: nothing would teach the heads while the rest is trained: set config.objective.agreement_weight, or "
        "config.latent.detached_codes=false"
    )


def _learns_labels(config: Any) -> str:
    if config.inference.trainable or not config.objective.labels:
        return ""
    return "config.objective.labels: heads that stay as they are learn no labels: set config.inference.trainable=true"


def _taught(config: Any) -> str:
    objective = config.objective
    taught = objective.agreement_weight or objective.mi_weight or objective.labels
    if config.inference.kind not in ("amortized", "refinement") or not config.latent.detached_codes or taught:
        return ""
    return (
        "config.latent.detached_codes: nothing would teach the codes that the encoder infers: set it to false, or "
        "config.inference.kind=code_heads"
    )


def _one_bound(config: Any) -> str:
    if config.latent.batch_norm and config.latent.minimum_kl:
        return "config.latent: batch_norm and minimum_kl both say which means there are: set one to 0"
    return ""


def _read_again(config: Any) -> str:
    if config.objective.attribute_weight:
        return "config.objective.attribute_weight: it takes a recurrent encoder, and a recurrent or contextual decoder"
    return ""


def _heard(config: Any) -> str:
    if config.objective.policy_weight:
        return (
            f"config.objective.policy_weight: a {config.decoder.kind} decoder does not read what was said before: set "
            "config.decoder.kind=contextual"
        )
    return ""


def _something_infers(config: Any) -> str:
    if config.inference.kind == "refinement" or config.latent.kind == "none":
        return ""
    return "config.encoder.kind = none: nothing would infer z: take an encoder, or config.inference.kind=refinement"


def _refinable(config: Any) -> str:
    gradient, training = config.inference.gradient, config.training
    if gradient == "exact" and config.decoder.kind == "recurrent" and training.implementation != "plain":
        return (
            "config.inference.gradient = exact: differentiates twice what the fast layers differentiate once: set "
            "config.training.implementation=plain, or config.inference.gradient=difference"
        )
    if gradient == "exact" and on_spheres(config.latent):
        return (
            "config.inference.gradient = exact: samples on a sphere are differentiated once, the turn of their tangent held fixed: set "
            "config.inference.gradient=difference"
        )
    if gradient.startswith("difference") and training.precision != "float32":
        return (
            f"config.inference.gradient = {gradient}: a difference of gradients needs the digits of float32, not of "
            f"{training.precision}: set config.training.precision=float32"
        )
    return ""


_RULES: dict[tuple[str, str], tuple[Callable[[Any], str], ...]] = {
    ("encoder", "residual"): (_odd_kernel("encoder"),),
    ("encoder", "bag_of_words"): (_read_again,),
    ("encoder", "features"): (_read_again,),
    ("decoder", "recurrent"): (_at_least_one_layer, _tied_sizes, _z_arrives("z_to_state", "z_to_output"), _heard),
    ("decoder", "contextual"): (_at_least_one_layer, _tied_sizes, _z_arrives("z_to_state", "z_to_output")),
    ("decoder", "perceptron"): (_at_least_one_layer, _z_arrives("z_to_output")),
    ("decoder", "pixel_cnn"): (_at_least_one_layer, _odd_kernel("decoder"), _z_arrives("z_to_output")),
    ("decoder", "bag_of_words"): (_z_arrives("z_to_output"), _heard, _read_again),
    ("latent", "gaussian"): (_one_bound,),
    ("latent", "spherical"): (_sphere_size,),
    ("latent", "polar"): (_sphere_size, _norms),
    ("latent", "mixture"): (_sphere_size,),
    ("latent", "marginal_mixture"): (_sphere_size, _taught),
    ("latent", "mixture_of_priors"): (_sphere_size,),
    ("inference", "code_heads"): (_teachable, _learns_labels),
    ("encoder", "none"): (_something_infers,),
    ("inference", "refinement"): (_refinable,),
}


def _labels(config: Any) -> str:
    labels, variables = supervised(config.objective.labels), config.latent.variables
    if beyond := [label for label, variable in labels.items() if variable >= variables]:
        return f"config.objective.labels: {beyond[0]} has variable {labels[beyond[0]]}, and they are numbered 0 to {variables - 1}"
    if config.training.select == "label" and not (labels and config.objective.label_weight):
        return "config.training.select = label: no label supervises codes: set config.objective.labels, and a label_weight above 0"
    return ""


def _groups(config: Any) -> str:
    data = config.data
    if data.groups > 1 and data.name != "shards":
        return f"config.data.groups = {data.groups}: {data.name} is in memory, and shards alone are divided among hosts"
    if data.batch_size % data.groups:
        return f"config.data.groups = {data.groups}: each has the same share of a batch, and batch_size = {data.batch_size} is no multiple"
    return ""


def broken_rules(config: Any) -> Iterator[str]:
    """Yields what is wrong with a configuration whose fields are admitted one by one, a line each."""
    for (section, kind), rules in _RULES.items():
        if kind in getattr(config, section).kind.split(JOIN):
            yield from filter(None, (rule(config) for rule in rules))
    yield from filter(None, [_labels(config), _groups(config)])
