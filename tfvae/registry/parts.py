"""The kinds of parts: for each what makes it, and which settings mean something for it.

A part of one's own is registered under a name, and is then a setting like any other.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from typing import Any

from tfvae.auxiliaries.agreement import AgreementLoss
from tfvae.auxiliaries.attribute import AttributeLoss
from tfvae.auxiliaries.bag_of_words import BagOfWordsLoss
from tfvae.auxiliaries.information import InformationRelief
from tfvae.auxiliaries.label import LabelLoss
from tfvae.auxiliaries.policy import PolicyLoss
from tfvae.config.labels import supervised
from tfvae.config.rules import KINDS
from tfvae.data.tokenizers import READING
from tfvae.decoders.bag_of_words import BagOfWordsDecoder
from tfvae.decoders.contextual import ContextualDecoder
from tfvae.decoders.perceptron import PerceptronDecoder
from tfvae.decoders.pixel_cnn import PixelCNNDecoder
from tfvae.decoders.recurrent import RecurrentDecoder
from tfvae.encoders.bag_of_words import BagOfWordsEncoder
from tfvae.encoders.features import FeaturesEncoder
from tfvae.encoders.none import NoEncoder
from tfvae.encoders.perceptron import PerceptronEncoder
from tfvae.encoders.recurrent import RecurrentEncoder
from tfvae.encoders.residual import ResidualEncoder
from tfvae.inference.amortized import Amortized
from tfvae.inference.head_start import HeadStart
from tfvae.inference.linear import LinearCodes
from tfvae.inference.ngrams import NGrams
from tfvae.inference.refinement import Refinement
from tfvae.latents.discrete import DiscreteLatent
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.marginal_mixture import MarginalMixtureLatent
from tfvae.latents.mixture import MixtureLatent
from tfvae.latents.mixture_of_priors import MixtureOfPriorsLatent
from tfvae.latents.none import NoLatent
from tfvae.latents.point import PointLatent
from tfvae.latents.polar import PolarLatent
from tfvae.latents.spherical import SphericalLatent
from tfvae.latents.vamp import VampLatent
from tfvae.modalities.featured_words import FeaturedWords
from tfvae.modalities.pixels import Pixels
from tfvae.modalities.turns import Turns
from tfvae.modalities.words import Words
from tfvae.registry.families import family_named
from tfvae.registry.views import code_heads


@dataclasses.dataclass(frozen=True)
class Part:
    """One kind of a part.

    Attributes:
      make: the part from its settings by name, and from what all parts of its table are given.
      settings: fields of its section of the configuration that it has, as a function of that section.
      reads: what of a batch it reads, or, of a modality, what a batch has, with spaces between: "tokens", "features", "image".
      usual: settings that suit it, under those of the corpus: fields of its section, or of others by their whole path.
      lacks: of a latent, what it does not have, and why settings about that mean nothing.
      gives: of a latent, what it has after all by settings that are on.
      sizes: of a latent, which of a corpus's sizes are its own: "variables", "dim", or "product" for one variable of all their numbers.
      says: of a latent, what it is, in a sentence.
      replaces: of an inference, settings of the latent whose work it does, with what they then are.
      needs: of an inference, what a latent must not lack.
    """

    make: Callable[..., Any]
    settings: Callable[[Any], tuple[str, ...]]
    reads: str = ""
    usual: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    lacks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    gives: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    sizes: Callable[[Any], str] = lambda section: ""
    says: Callable[[Any], str] = lambda section: ""
    replaces: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    needs: tuple[str, ...] = ()


def _has(*names: str) -> Callable[[Any], tuple[str, ...]]:
    return lambda section: names


def _mixture(kind: type[MixtureLatent]) -> Callable[..., MixtureLatent]:
    def make(family: str, **options: Any) -> MixtureLatent:
        own = {name: options.pop(name) for name in family_named(family).settings}
        posterior, prior = family_named(family).make(types.SimpleNamespace(**own))
        return kind(family=posterior, prior_family=prior, **options)

    return make


def _mixture_settings(*names: str) -> Callable[[Any], tuple[str, ...]]:
    own = ("family", "variables", "components", "mixing", *names)
    return lambda latent: (*own, *family_named(latent.family).settings)


def _mixture_sizes(latent: Any) -> str:
    return family_named(latent.family).sizes


def _a_mixture(latent: Any) -> str:
    dimensions = family_named(latent.family).says.format_map(vars(latent))
    return f"{_variables(latent)} of {dimensions}, each with a mixture of {latent.components} components."


def _variables(latent: Any) -> str:
    return f"{latent.variables} latent variable{'s' * (latent.variables > 1)}"


def _one_variable(latent: Any) -> str:
    return f"A latent variable of {latent.dim} dimensions."


def _its(words: str) -> Callable[[Any], str]:
    return lambda latent: words


def _spherical_settings(latent: Any) -> tuple[str, ...]:
    return ("dim", "kappa", "learn_kappa", *(["kappa_gradient"] if latent.learn_kappa else []))


_NGRAMS = ("order", "hidden_share")
_LINEAR = (*_NGRAMS, "semantic_dim", "trainable")


def _looked_up(kind: type[NGrams], names: tuple[str, ...], name: str) -> Callable[..., NGrams]:
    """Makes a function that makes the layer; of words in no order none are looked up together."""

    def make(variables: int, components: int, ordered: bool, **options: Any) -> NGrams:
        own = {field: options[field] for field in names} | ({} if ordered else {"order": 1})
        return kind(variables=variables, components=components, **own, name=name)

    return make


_RECURRENT = ("embedding_dim", "hidden_dim", "num_layers", "dropout")
_DENSE = ("hidden_dim", "num_layers", "dropout")
_SKIP = ("z_to_inputs", "z_to_output")
# The KL weighs fully from the start: it is words read before that let a decoder do without z.
_WEIGHED = {"objective.schedule.kind": "constant"}

ENCODERS: dict[str, Part] = {
    "recurrent": Part(RecurrentEncoder, _has(*_RECURRENT), "tokens"),
    "bag_of_words": Part(BagOfWordsEncoder, _has(*_DENSE), "tokens", {"hidden_dim": 400, "num_layers": 2, "dropout": 0.1}),
    "features": Part(FeaturesEncoder, _has(*_DENSE), "features", {"hidden_dim": 256, "num_layers": 1, "dropout": 0.2}),
    "perceptron": Part(PerceptronEncoder, _has(*_DENSE), "image", {"hidden_dim": 512, "num_layers": 2, "dropout": 0.0}),
    "residual": Part(ResidualEncoder, _has("filters", "num_layers", "kernel_size"), "image", {"num_layers": 3}),
    "none": Part(lambda name, dtype, **_: NoEncoder(name=name, dtype=dtype), _has()),
}
"""batch -> features; made with the sizes of an example, `seed`, `name`, `dtype` and `implementation` (where they have it)."""

_WRITES = (*_RECURRENT, "tied_embeddings", "word_dropout", "z_to_state", *_SKIP)

DECODERS: dict[str, Part] = {
    "recurrent": Part(RecurrentDecoder, _has(*_WRITES), "tokens"),
    "bag_of_words": Part(
        BagOfWordsDecoder, _has(*_DENSE, *_SKIP), "tokens", {"hidden_dim": 400, "num_layers": 1, "dropout": 0.0, **_WEIGHED}
    ),
    "perceptron": Part(
        PerceptronDecoder, _has(*_DENSE, *_SKIP), "image", {"hidden_dim": 1024, "num_layers": 2, "dropout": 0.0, **_WEIGHED}
    ),
    "pixel_cnn": Part(
        PixelCNNDecoder, _has("filters", "num_layers", "kernel_size", "latent_filters", *_SKIP), "image", {"num_layers": 9, **_WEIGHED}
    ),
    "contextual": Part(ContextualDecoder, _has(*_WRITES, "context_embedding_dim", "turn_dim", "context_dim"), "context"),
}
"""p(x|z); made as encoders are, with `z_dim` beside."""

_REFINEMENT = ("steps", "rate", "momentum", "clip", "samples", "gradient", "sides", "answer_samples")
_NO_LATENT = "it has no latent variable"
_NO_MIXTURE = dict.fromkeys(("mixture", "dispersion", "logits"), "its prior is no mixture")
_NO_DISPERSION = "its bound has no averaged component that others could be dispersed around"
_NO_DIRECTION = {"direction": "its posterior is not on one sphere"}
_POINT = "its posterior is a point, without a KL"

LATENTS: dict[str, Part] = {
    "gaussian": Part(
        GaussianLatent,
        _has("dim", "batch_norm", "minimum_kl"),
        lacks={**_NO_MIXTURE, **_NO_DIRECTION},
        sizes=_its("product"),
        says=_one_variable,
    ),
    "spherical": Part(
        SphericalLatent,
        _spherical_settings,
        lacks={**_NO_MIXTURE, "kl": "its KL is a constant"},
        gives={"learn_kappa": ("kl",)},
        says=_one_variable,
    ),
    "polar": Part(
        PolarLatent,
        lambda latent: (*_spherical_settings(latent), "norm_max", "norm_width"),
        lacks={**_NO_MIXTURE, **_NO_DIRECTION, "kl": "its KL is a constant"},
        gives={"learn_kappa": ("kl",)},
        says=_one_variable,
    ),
    "mixture": Part(_mixture(MixtureLatent), _mixture_settings("hidden_dim"), lacks=_NO_DIRECTION, sizes=_mixture_sizes, says=_a_mixture),
    "marginal_mixture": Part(
        _mixture(MarginalMixtureLatent),
        _mixture_settings("hidden_dim", "detached_codes"),
        lacks={**_NO_DIRECTION, "dispersion": _NO_DISPERSION},
        sizes=_mixture_sizes,
        says=_a_mixture,
    ),
    "point": Part(
        PointLatent,
        _has("dim"),
        lacks={**_NO_MIXTURE, **_NO_DIRECTION, "kl": _POINT, "noise": _POINT},
        sizes=_its("product"),
        says=_one_variable,
    ),
    "none": Part(
        lambda feature_dim, seed, **options: NoLatent(**options),
        _has(),
        lacks={**_NO_MIXTURE, **_NO_DIRECTION, **dict.fromkeys(("z", "kl", "noise"), _NO_LATENT)},
        says=_its("It has no latent variable."),
    ),
    "discrete": Part(
        DiscreteLatent,
        _has("variables", "components", "gumbel", "temperature", "temperature_decay", "temperature_floor"),
        lacks={**_NO_DIRECTION, "dispersion": _NO_DISPERSION},
        sizes=_its("variables"),
        says=lambda latent: f"{_variables(latent)}, each one of {latent.components} values.",
    ),
    "mixture_of_priors": Part(
        _mixture(MixtureOfPriorsLatent),
        _mixture_settings(),
        lacks={**_NO_DIRECTION, "dispersion": _NO_DISPERSION, "logits": "its codes are read off z"},
        sizes=_mixture_sizes,
        says=_a_mixture,
    ),
    "vamp": Part(
        VampLatent, _has("dim", "pseudo_inputs"), lacks={**_NO_MIXTURE, **_NO_DIRECTION}, sizes=_its("product"), says=_one_variable
    ),
}
"""q(z, c|x) and p(z, c); made with `feature_dim`, `seed` and `name`. "none" has no encoder either. Kinds may be joined by "+"."""

INFERENCES: dict[str, Part] = {
    "amortized": Part(lambda **_: Amortized(), _has()),
    "code_heads": Part(
        code_heads,
        _has("views", "seed_words", "seed_label", "hidden_dim", *(field.name for field in dataclasses.fields(HeadStart)), "trainable"),
        replaces={"hidden_dim": 0},
        needs=("logits",),
    ),
    "linear": Part(
        _looked_up(LinearCodes, _LINEAR, "linear"), _has(*_LINEAR), "tokens", replaces={"hidden_dim": 0}, needs=("logits", "labels")
    ),
    "ngrams": Part(_looked_up(NGrams, _NGRAMS, "ngrams"), _has(*_NGRAMS), "tokens", needs=("logits",)),
    "refinement": Part(
        lambda **options: Refinement(**{name: options[name] for name in _REFINEMENT}),
        _has(*_REFINEMENT),
        needs=("z", "noise"),
    ),
}
"""From a batch to parameters of its posterior; made with the sizes of an example, `reads`, `variables`, `components` and `seed`."""


def _policy(context_dim: int, variables: int, components: int, seed: int, name: str, **_: Any) -> PolicyLoss:
    return PolicyLoss(context_dim=context_dim, variables=variables, components=components, seed=seed, name=name)


AUXILIARIES: dict[str, Part] = {
    "bag_of_words": Part(BagOfWordsLoss, _has("bag_of_words_weight"), "tokens"),
    "agreement": Part(lambda name, **_: AgreementLoss(name=name), _has("agreement_weight")),
    "label": Part(lambda labels, name, **_: LabelLoss(supervised(labels), name=name), _has("labels", "label_weight")),
    "information": Part(lambda name, **_: InformationRelief(name=name), _has("information_weight")),
    "policy": Part(_policy, _has("policy_weight"), "context"),
    "attribute": Part(lambda name, **_: AttributeLoss(name=name), _has("attribute_weight"), "tokens"),
}
"""Further losses, by the name of the term; each is there where objective.<name>_weight, a field that it must have, is not 0, nor another of
its settings empty; made as decoders are, with the settings that are no weight, and `variables`, `components` and the decoder's
`context_dim` among the sizes."""

_WORDS = ("vocabulary", "vocabulary_size", "min_count", "tokenizer", *READING, "train_max_length", "eval_max_length")

MODALITIES: dict[str, Part] = {
    "words": Part(Words, _has(*_WORDS), "tokens"),
    "featured_words": Part(FeaturedWords, _has(*_WORDS, "features"), "tokens features"),
    "pixels": Part(Pixels, _has("binarize"), "image"),
    "turns": Part(Turns, _has(*_WORDS, "context"), "tokens context"),
}
"""What an example is: subclasses of `tfvae.modalities.modality.Modality`."""

TABLES: Mapping[str, dict[str, Part]] = {
    "encoder": ENCODERS,
    "latent": LATENTS,
    "decoder": DECODERS,
    "inference": INFERENCES,
}
"""Tables by the section of the configuration whose field `kind` names one of theirs."""


def register(table: dict[str, Part], name: str, part: Part) -> None:
    """Makes a part of one's own known under a name.

    Args:
      table: one of this module's.
      name: a new one.
      part: what makes it.

    Raises:
      ValueError: the name is taken.
    """
    if name in table:
        raise ValueError(f"{name!r} is there already")
    table[name] = part
    paths = {id(TABLES[section]): f"{section}.kind" for section in TABLES} | {id(MODALITIES): "data.modality"}
    if id(table) in paths:
        KINDS[paths[id(table)]].append(name)
