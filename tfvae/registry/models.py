"""The models' names: each a choice of parts, as settings over the defaults of `tfvae.config`."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Model:
    """A named choice of parts.

    Attributes:
      summary: what it is, in a line.
      paper: where it comes from.
      settings: fields that differ from the defaults, by their path.
    """

    summary: str
    paper: str
    settings: Mapping[str, Any]


_SKIP = {"decoder.z_to_inputs": "all", "decoder.z_to_output": True}
_DISPERSED = {"objective.beta": 0.8, "objective.mi_weight": 1.0}
_CODES = {
    "latent.kind": "marginal_mixture",
    "latent.mixing": "learned",
    "latent.detached_codes": True,
    "inference.kind": "code_heads",
    # codes are there from the start, and z learns them the better the sooner the KL between the two weighs
    "objective.schedule.kind": "linear",
    "objective.schedule.steps": 400,
}
# Their rate of 1 is of the mean of 32 examples, .03 of one's own loss; their 20 steps are config.inference.steps=20.
_REFINED = {"inference.kind": "refinement"}
_SINGLE = {"latent.variables": 1}
_SEMI = {"latent.kind": "gaussian+discrete", "latent.dim": 40}
# 30 variables of 8 values that share one code of 30, and words of 200 numbers (Shi et al. 2020, section 4.4, and their code).
_CATEGORICAL = {
    "latent.family": "categorical",
    "latent.variables": 1,
    "latent.components": 30,
    "latent.factors": 30,
    "latent.values": 8,
    "encoder.embedding_dim": 200,
    "decoder.embedding_dim": 200,
    "decoder.tied_embeddings": False,
}
_UNWEIGHTED = {"objective.schedule.kind": "constant"}  # where no KL can be lowered, no schedule need wait for it

MODELS: Mapping[str, Model] = {
    "rnn_lm": Model(
        "language model: no latent variable",
        "Mikolov et al. 2010, as the baseline of Shi et al. 2020",
        {"latent.kind": "none", **_SINGLE, **_UNWEIGHTED},
    ),
    "ae": Model(
        "auto-encoder: a point for a posterior, no KL; its prior is a Gaussian fitted to the training posteriors",
        "as the baseline of Shi et al. 2020",
        {"latent.kind": "point", "latent.dim": 40, **_SINGLE, **_UNWEIGHTED},
    ),
    "vae": Model(
        "Gaussian posterior, standard normal prior",
        "Bowman et al. 2016, as the baseline of Shi et al. 2020",
        {"latent.kind": "gaussian", "latent.dim": 40, **_SINGLE},
    ),
    "skip_vae": Model(
        "Gaussian posterior under a decoder that reads z in every layer and in the output",
        "Dieng et al. 2019, Skip-VAE",
        {"latent.kind": "gaussian", "latent.dim": 32, **_SINGLE, **_SKIP},
    ),
    "sa_vae": Model(
        "Gaussian posterior, refined by steps on each example's own bound, through which the encoder learns",
        "Kim et al. 2018, SA-VAE, with a GRU for their LSTM, and 10 steps that an example takes by itself",
        {"latent.kind": "gaussian", "latent.dim": 32, **_SINGLE, **_REFINED},
    ),
    "skip_sa_vae": Model(
        "the same under a decoder that reads z in every layer and in the output",
        "Dieng et al. 2019, Skip-SA-VAE; Kim et al. 2018",
        {"latent.kind": "gaussian", "latent.dim": 32, **_SINGLE, **_SKIP, **_REFINED},
    ),
    "vmf_vae": Model(
        "von Mises-Fisher posterior of frozen concentration, uniform prior: its KL is a constant",
        "Xu and Durrett 2018, vMF-VAE, with a GRU for their LSTM",
        {
            "latent.kind": "spherical",
            "latent.dim": 50,
            "latent.kappa": 35.0,
            "objective.norm_weight": 1e-4,
            "encoder.dropout": 0.5,
            "decoder.dropout": 0.5,
            "decoder.tied_embeddings": False,
            **_SINGLE,
            **_UNWEIGHTED,
        },
    ),
    "gm_vae": Model(
        "mixture of Gaussians as prior, plain ELBO: its components merge",
        "Shi et al. 2020, GM-VAE",
        {},
    ),
    "dgm_vae": Model(
        "mixture of Gaussians kept apart by the dispersion term",
        "Shi et al. 2020, DGM-VAE",
        {"objective.beta": 0.8},
    ),
    "dem_vae": Model(
        "dispersed mixture with mutual information, under a skip decoder",
        "Shi et al. 2020, DGM-VAE + L_mi; Dieng et al. 2019, Skip-VAE",
        {**_DISPERSED, **_SKIP},
    ),
    "code_vae": Model(
        "mixture whose codes are read from views of an example and agree when some of it is hidden, under a skip decoder",
        "this project's; Jiang et al. 2017 (VaDE), Ji et al. 2019 (IIC), Dieng et al. 2019",
        {**_CODES, **_SKIP},
    ),
    "dialog_dem_vae": Model(
        "answers in a conversation: a policy chooses the code of a dispersed mixture, a decoder that attends over earlier turns says it",
        "Shi et al. 2020, section 4.3; Zhao et al. 2018; Dieng et al. 2019",
        {
            **_DISPERSED,
            **_SKIP,
            "data.context": 10,
            "decoder.kind": "contextual",
            "objective.policy_weight": 1.0,
            "objective.attribute_weight": 0.1,
        },
    ),
    "dem_vmf_vae": Model(
        "dispersed mixture of von Mises-Fisher components with mutual information, under a skip decoder",
        "Shi et al. 2020; Xu and Durrett 2018; Dieng et al. 2019",
        {"latent.family": "von_mises_fisher", "latent.variables": 8, "latent.dim": 5, **_DISPERSED, **_SKIP},
    ),
    "dae": Model(
        "discrete auto-encoder: codes alone, without a KL",
        "as the baseline of Shi et al. 2020",
        {"latent.kind": "discrete", "objective.kl_weight": 0.0, **_UNWEIGHTED},
    ),
    "dvae": Model(
        "discrete codes by Gumbel-softmax, uniform prior",
        "Zhao et al. 2018, DVAE; Jang et al. 2017, Maddison et al. 2017",
        {"latent.kind": "discrete"},
    ),
    "di_vae": Model(
        "discrete codes of which the aggregate alone is held to the prior",
        "Zhao et al. 2018, DI-VAE",
        {"latent.kind": "discrete", "objective.mi_weight": 1.0},
    ),
    "semi_vae": Model(
        "a Gaussian beside discrete codes",
        "Kingma et al. 2014, as the baseline of Shi et al. 2020",
        _SEMI,
    ),
    "mop_vae": Model(
        "mixture of Gaussians as prior, its codes summed out and read off z",
        "Shi et al. 2020, GMVAE_MoP of their code",
        {"latent.kind": "mixture_of_priors"},
    ),
    "cm_vae": Model(
        "mixture of categorical variables as prior, plain ELBO: its components merge",
        "Shi et al. 2020, CM-VAE",
        _CATEGORICAL,
    ),
    "dcm_vae": Model(
        "mixture of categorical variables kept apart by the dispersion term",
        "Shi et al. 2020, DCM-VAE",
        {**_CATEGORICAL, "objective.beta": 0.4},
    ),
}

OF_DIALOGUES = ("dialog_dem_vae",)
"""Models that need a corpus of dialogues, whose examples come with what was said before."""
OF_ANY = tuple(name for name in MODELS if name not in OF_DIALOGUES)
"""Models of every corpus."""
