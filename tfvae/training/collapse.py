"""Whether the posterior or the mixture has collapsed, in plain words, and which flag to turn."""

import math
from typing import Any

from tfvae.latents.spherical import SphericalLatent
from tfvae.models.vae import VAE
from tfvae.objectives.schedules import Constant, Cyclical, Linear, Logistic

_SLOWER = {
    Constant: "--config.objective.schedule.kind=logistic",
    Logistic: "a later --config.objective.schedule.midpoint",
    Linear: "more --config.objective.schedule.steps",
    Cyclical: "more --config.objective.schedule.steps",
}
"""What makes the regularisers gain their weight later."""


def collapse_messages(model: VAE, logs: dict[str, Any]) -> dict[str, str]:
    """Returns a message for each kind of collapse that validation figures show: "posterior" and "mixture"."""
    messages = {}
    kl = float(logs.get("val_average_kl", logs.get("val_kl_z", math.inf)))
    if kl < 0.1:
        messages["posterior"] = f"the posterior has collapsed: z carries {kl:.3f} nats, so the decoder ignores it; {posterior_cure(model)}"
    latent = model.latent
    if latent.has_codes and latent.num_components > 1:
        information = float(logs["val_mutual_information"]) / latent.num_variables
        if information < 0.05:
            objective = model.objective
            cure = f"{'--beta=0.8 and ' if latent.has_dispersion else ''}--config.objective.mi_weight=1"
            if objective.mi_weight and (objective.beta or not latent.has_dispersion):
                cure = f"a slower schedule, by {_SLOWER[type(objective.schedule)]}"
            what, which = ("the mixture has", "components mean") if latent.has_dispersion else ("the codes have", "they mean")
            messages["mixture"] = (
                f"{what} collapsed: a code carries {information:.3f} of the {math.log(latent.num_components):.2f} nats it could, "
                f"so {which} nothing; try {cure}"
            )
    return messages


def posterior_cure(model: VAE) -> str:
    """Returns which flags make a decoder use z more, in words."""
    if isinstance(model.latent, SphericalLatent) and not model.latent.learn_kappa:
        return "--kappa is too small for so many dimensions: raise it"
    if isinstance(model.latent, SphericalLatent) and model.latent.kappa_gradient == "detached":
        return "--config.latent.kappa_gradient=exact lets the reconstruction hold up kappa, which the KL alone lowers"
    flags = ["--config.objective.free_bits=0.5", "--config.objective.kl_weight=0.5"]
    if hasattr(model.decoder, "word_dropout"):
        flags[1:] = ["--config.decoder.word_dropout=0.3"]
    if not model.decoder.z_to_output:
        flags.append("--config.decoder.z_to_output=true")
    return f"try {', '.join(flags[:-1])} or {flags[-1]}"
