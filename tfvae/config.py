"""One tree of dataclasses that says everything about a run, and round-trips through JSON."""

import dataclasses
import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from tfvae.errors import UserError, suggest


def _field(
    default: Any, help: str, *, low: float | None = None, high: float | None = None, above: float | None = None, choices: tuple = ()
) -> Any:
    """A field with its documentation and the values it admits: low <= value <= high, value > above, or one of `choices`."""
    return dataclasses.field(default=default, metadata={"help": help, "low": low, "high": high, "above": above, "choices": choices})


@dataclasses.dataclass
class DataConfig:
    """Which texts, and how they become batches."""

    name: str = _field("demo", "corpus, a name of tfvae.data.corpora")
    dir: str = _field("", "folder of the corpus; empty: $TFVAE_DATA_DIR/<name>")
    train_file: str = _field("", "text corpus: training file, one text a line, optionally 'label TAB text', plain or .gz")
    valid_file: str = _field("", "text corpus: validation file; empty: drawn from the training file by split_seed")
    test_file: str = _field("", "text corpus: test file; empty: drawn from the training file by split_seed")
    valid_fraction: float = _field(0.1, "share of the training file that validates when there is no valid_file", above=0, high=0.45)
    test_fraction: float = _field(0.1, "share of the training file that tests when there is no test_file", above=0, high=0.45)
    split: str = _field("", "yahoo: sizes of the three splits, as 8000,1000,1000, drawn by split_seed from the validation file alone")
    split_seed: int = _field(
        0, "seed of splits that are drawn; the training's own does not change which texts are tested", low=0, high=2**31 - 1
    )
    vocabulary_size: int = _field(10_000, "most tokens kept, special ones not counted", low=1)
    min_count: int = _field(1, "words seen less often in training are unknown; wordpiece: make no piece of their own", low=1)
    tokenizer: str = _field("word", "what a token is: a word, or a piece of one", choices=("word", "wordpiece"))
    lowercase: bool = _field(False, "lower-case all texts")
    split_punctuation: bool = _field(False, "make tokens of punctuation at the edges of words")
    train_max_length: int = _field(40, "training sentences are cut to so many tokens, end of sentence included; 0: no limit", low=0)
    eval_max_length: int = _field(1000, "ceiling on a sentence's tokens wherever it is scored; longer ones are cut with a warning", low=2)
    limit: int = _field(0, "sentences used of each split; 0: all", low=0)
    batch_size: int = _field(30, "sentences a training batch", low=1)
    eval_batch_size: int = _field(50, "sentences a batch of validation and test", low=1)


@dataclasses.dataclass
class EncoderConfig:
    """Bidirectional GRU: batch -> features."""

    embedding_dim: int = _field(512, "size of a word embedding", low=1)
    hidden_dim: int = _field(512, "units of a GRU, per direction", low=1)
    num_layers: int = _field(1, "GRU layers", low=1)
    dropout: float = _field(0.3, "dropout on embeddings and between layers", low=0, high=0.95)


@dataclasses.dataclass
class LatentConfig:
    """The posterior and the prior of z, and of c where there is one."""

    kind: str = _field("mixture", "latent distribution", choices=("gaussian", "spherical", "mixture", "point", "none"))
    family: str = _field("gaussian", "exponential family of a mixture's components: gaussian, von_mises_fisher or one of yours")
    variables: int = _field(20, "latent variables J, each with a mixture prior of its own", low=1)
    components: int = _field(5, "components K of each mixture", low=1)
    dim: int = _field(2, "dimension D of one variable", low=1)
    kappa: float = _field(50.0, "von Mises-Fisher: the posterior's frozen concentration", above=0)
    prior_kappa: float = _field(20.0, "von Mises-Fisher: the components' frozen concentration", above=0)
    hidden_dim: int = _field(1024, "units of the network from features to component logits", low=1)


@dataclasses.dataclass
class DecoderConfig:
    """GRU language model conditioned on z."""

    embedding_dim: int = _field(512, "size of a word embedding", low=1)
    hidden_dim: int = _field(512, "units of a GRU", low=1)
    num_layers: int = _field(1, "GRU layers", low=1)
    z_to_state: bool = _field(True, "z gives every layer its initial state")
    z_to_inputs: str = _field("first", "which layers read z beside their input at every step", choices=("none", "first", "all"))
    z_to_output: bool = _field(False, "z enters the logits: E h + U z + b")
    tied_embeddings: bool = _field(True, "the output projection is the embedding table (needs embedding_dim = hidden_dim)")
    dropout: float = _field(0.3, "dropout on embeddings, between layers and on the output", low=0, high=0.95)
    word_dropout: float = _field(
        0.0, "probability that a word read is hidden from the decoder in training; 1: inputless, always", low=0, high=1
    )


@dataclasses.dataclass
class ScheduleConfig:
    """Weight w(step) of the regularisers."""

    kind: str = _field("logistic", "shape of w(step)", choices=("logistic", "linear", "cyclical", "constant"))
    slope: float = _field(0.0025, "logistic: k of 1 / (1 + exp(-k (step - midpoint)))", above=0)
    midpoint: int = _field(2500, "logistic: the step at which w = 1/2", low=0)
    epochs: int = _field(0, "linear and cyclical: the same in epochs, in place of steps; 0: steps", low=0)
    start: float = _field(0.0, "linear and cyclical: w at the first step", low=0, high=1)
    steps: int = _field(10_000, "linear: steps until w = 1; cyclical: steps of all cycles together", low=1)
    cycles: int = _field(4, "cyclical: number of cycles", low=1)
    ramp: float = _field(0.5, "cyclical: share of a cycle in which w rises", above=0, high=1)
    value: float = _field(1.0, "constant: w", low=0, high=1)


@dataclasses.dataclass
class ObjectiveConfig:
    """loss = reconstruction + w(step) * [kl_weight * sum of KLs - beta * dispersion - mi_weight * mutual information]."""

    beta: float = _field(0.0, "share of the dispersion term given back: 0 the plain mixture, 1 the penalty cancelled", low=0, high=1)
    mi_weight: float = _field(0.0, "weight of the mutual information I(x; c) in the objective", low=0, high=1)
    kl_weight: float = _field(1.0, "weight of the KL terms", low=0)
    free_bits: float = _field(0.0, "nats of KL a unit may use without penalty", low=0)
    free_bits_per: str = _field("variable", "what a unit of free_bits is", choices=("variable", "dimension", "total"))
    norm_weight: float = _field(0.0, "spherical: weight of (length of the direction before it is normalised - 1)^2", low=0)
    samples: int = _field(1, "posterior samples a sentence in training", low=1)
    schedule: ScheduleConfig = dataclasses.field(default_factory=ScheduleConfig)


@dataclasses.dataclass
class TrainingConfig:
    """Optimisation, selection and stopping."""

    seed: int = _field(0, "all randomness is a function of seed and step", low=0, high=2**31 - 1)
    preset: str = _field("", "a paper's optimisation, a name of tfvae.models.registry.PRESETS; empty: this project's")
    init_from: str = _field("", "run whose weights training begins with; its vocabulary must be the same")
    init_parts: str = _field("encoder,latent", "parts that init_from gives, of encoder, latent and decoder")
    epochs: int = _field(50, "passes over the training split", low=1)
    optimizer: str = _field("adam", "optimiser", choices=("adam", "sgd"))
    learning_rate: float = _field(1e-3, "the optimiser's step size", above=0)
    clip_norm: float = _field(0.5, "global gradient norm above which gradients are scaled down; 0: no clipping", low=0)
    select: str = _field("objective", "which validation figure selects the epoch that is kept", choices=("objective", "elbo"))
    min_improvement: float = _field(0.004, "relative fall of that figure that counts as an improvement", low=0, high=0.5)
    patience: int = _field(10, "epochs without improvement before training stops; 0: never", low=0)
    lr_patience: int = _field(3, "epochs without improvement before the learning rate falls; 0: never", low=0)
    lr_wait: int = _field(0, "epochs before the learning rate may fall", low=0)
    lr_keep_falling: bool = _field(False, "once the learning rate has fallen, it falls after every epoch")
    lr_decay: float = _field(0.8, "factor by which the learning rate falls", above=0, high=1)
    min_learning_rate: float = _field(1e-6, "training stops when the learning rate falls below", low=0)
    snapshot_sentences: int = _field(300, "validation sentences whose posteriors are kept at every epoch", low=0)
    precision: str = _field(
        "float32", "numbers that networks multiply; auto: bfloat16 where the processor has it", choices=("float32", "bfloat16", "auto")
    )
    implementation: str = _field("fast", "custom-gradient layers, or their plain twins", choices=("fast", "plain"))


@dataclasses.dataclass
class Config:
    """Everything that a run depends on, but for versions and the machine."""

    model: str = _field("dem_vae", "a name of tfvae.models.registry")
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    encoder: EncoderConfig = dataclasses.field(default_factory=EncoderConfig)
    latent: LatentConfig = dataclasses.field(default_factory=LatentConfig)
    decoder: DecoderConfig = dataclasses.field(default_factory=DecoderConfig)
    objective: ObjectiveConfig = dataclasses.field(default_factory=ObjectiveConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)

    def to_dict(self) -> dict[str, Any]:
        """Returns nested dictionaries of JSON types; `from_dict` is the inverse."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Config":
        """Returns a validated configuration; fields that are not named keep their defaults.

        Raises:
          UserError: a field is unknown, has the wrong type or a value that is not admitted.
        """
        config = cls()
        update(config, values)
        config.validate()
        return config

    def flat(self) -> dict[str, Any]:
        """Returns {"latent.dim": 2, …}, a key for each leaf."""
        return {path: getattr(node, field.name) for path, node, field in _leaves(self)}

    def validate(self) -> None:
        """Checks every field and the rules that bind several.

        Raises:
          UserError: names the field, the value and what is admitted.
        """
        for path, node, field in _leaves(self):
            _check_range(path, getattr(node, field.name), field.metadata)
        decoder = self.decoder
        if decoder.tied_embeddings and decoder.embedding_dim != decoder.hidden_dim:
            raise UserError(
                f"config.decoder.tied_embeddings needs embedding_dim = hidden_dim, not {decoder.embedding_dim} and "
                f"{decoder.hidden_dim}: make them equal or set config.decoder.tied_embeddings=false"
            )
        if self.latent.kind != "none" and not (decoder.z_to_state or decoder.z_to_output) and decoder.z_to_inputs == "none":
            raise UserError(
                "config.decoder: z_to_state and z_to_output are false and z_to_inputs is none, so z would not reach the decoder: set one"
            )
        if self.on_spheres and self.latent.dim < 2:
            raise UserError("config.latent.dim = 1: the von Mises-Fisher family lives on spheres of 2 dimensions or more")

    @property
    def on_spheres(self) -> bool:
        """Whether the latent variables are points of spheres."""
        latent = self.latent
        return latent.kind == "spherical" or (latent.kind == "mixture" and latent.family == "von_mises_fisher")


def update(config: Any, values: Mapping[str, Any], prefix: str = "config") -> None:
    """Sets fields of a configuration tree in place from nested dictionaries, with types checked.

    Raises:
      UserError: a field is unknown or a value has the wrong type.
    """
    hints = typing.get_type_hints(type(config))
    if not isinstance(values, Mapping):
        raise UserError(f"{prefix} = {values!r}: must be an object with the fields {', '.join(hints)}")
    for name, value in values.items():
        if name not in hints:
            raise UserError(f"{prefix}.{name} is not a field of the configuration{suggest(name, hints)}")
        current = getattr(config, name)
        if dataclasses.is_dataclass(current):
            update(current, value, f"{prefix}.{name}")
        else:
            setattr(config, name, coerce(f"{prefix}.{name}", value, hints[name]))


def coerce(path: str, value: Any, kind: Any) -> Any:
    """Returns `value` as the type of the field at `path`; text, as it comes from a command line, is parsed.

    Raises:
      UserError: the value does not read as that type.
    """
    if kind not in (bool, int, float, str):
        raise TypeError(f"{path}: fields are bool, int, float or str, not {kind}")
    readings = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if kind is bool and isinstance(value, str):
        value = readings.get(value.lower(), value)
    try:
        if isinstance(value, str) and kind is not bool:
            return kind(value)
        if isinstance(value, bool) == (kind is bool) and kind is not str and kind(value) == value:
            return kind(value)
    except (ValueError, TypeError, OverflowError):
        pass
    named = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[kind]
    raise UserError(f"{path} = {value!r}: must be {named}")


def check_field(path: str, value: Any) -> None:
    """Checks a value of one field by itself, whatever the others are.

    Raises:
      UserError: it is not admitted.
    """
    for name, _, field in _leaves(Config()):
        if name == path:
            _check_range(path, value, field.metadata)


def overlay(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Turns {"latent.dim": 2} into {"latent": {"dim": 2}}."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return nested


def describe_fields() -> dict[str, str]:
    """Returns the help text of every field by its path, with the default and what is admitted."""
    described = {}
    for path, node, field in _leaves(Config()):
        limits = field.metadata or {"help": path}
        choices = f"one of {', '.join(limits['choices'])}; " if limits.get("choices") else ""
        described[path] = f"{limits['help']} ({choices}default {getattr(node, field.name)!r})"
    return described


def read_json(path: str, flag: str = "config_file") -> dict[str, Any]:
    """Reads a JSON object from the file that a flag names: a configuration as `to_dict` writes it, unless another flag is named.

    Raises:
      UserError: the file cannot be read or is no JSON object.
    """
    try:
        with open(path, encoding="utf-8") as file:
            values = json.load(file)
    except OSError as error:
        raise UserError(f"--{flag}={path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"--{flag}={path} is not valid JSON: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f'--{flag}={path}: must hold an object such as {{"latent": {{"dim": 5}}}}')
    return values


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any, dataclasses.Field]]:
    """Yields (path, the dataclass that holds it, field) for each leaf of a configuration tree."""
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if dataclasses.is_dataclass(value):
            yield from _leaves(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", node, field


def _check_range(path: str, value: Any, limits: Mapping[str, Any]) -> None:
    choices, low, high, above = (limits[key] for key in ("choices", "low", "high", "above"))
    if choices and value not in choices:
        raise UserError(f"config.{path} = {value!r}: must be one of {', '.join(map(str, choices))}{_nearest(value, choices)}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        rules = [(low, "at least", lambda bound: value >= bound), (above, "above", lambda bound: value > bound)]
        rules.append((high, "at most", lambda bound: value <= bound))
        wanted = " and ".join(f"{word} {bound:g}" for bound, word, _ in rules if bound is not None)
        if any(bound is not None and not holds(bound) for bound, _, holds in rules) or value != value or abs(value) == float("inf"):
            raise UserError(f"config.{path} = {value}: must be {wanted or 'finite'}")


def _nearest(value: Any, choices: tuple) -> str:
    hint = suggest(str(value), map(str, choices))
    return hint if hint.startswith(", did") else ""
