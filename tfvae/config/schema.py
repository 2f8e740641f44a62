"""One tree of dataclasses that says everything about a run, and round-trips through JSON."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfvae.config.rules import JOIN, KINDS, broken_rules, on_spheres
from tfvae.config.tree import check_range, leaves, setting, update
from tfvae.errors import UserError


@dataclasses.dataclass
class DataConfig:
    """Which examples, and how they become batches."""

    name: str = setting("demo", "corpus, a name of tfvae.data.corpora")
    modality: str = setting("words", "what an example is; the corpus says", choices=KINDS["data.modality"])
    dir: str = setting("", "folder of the corpus; empty: $TFVAE_DATA_DIR/<name>")
    train_file: str = setting("", "own files: training texts, one a line, optionally 'label TAB text', or one a row")
    valid_file: str = setting("", "own files: validation texts; empty: drawn from the training file by split_seed")
    test_file: str = setting("", "own files: test texts; empty: drawn from the training file by split_seed")
    text_column: str = setting("", "csv, jsonl, parquet: column of the texts; empty: the one called text, or the only one")
    label_column: str = setting("", "csv, jsonl, parquet: columns of labels, with commas between; empty: there are none")
    valid_fraction: float = setting(
        0.1,
        "share of training that validates where no split does: text files, 20ng, omniglot",
        above=0,
        high=0.45,
    )
    test_fraction: float = setting(0.1, "share of the training file that tests when there is no test_file", above=0, high=0.45)
    split: str = setting("", "yahoo: sizes of the three splits, as 8000,1000,1000, drawn by split_seed from the validation file alone")
    split_seed: int = setting(
        0, "seed of splits that are drawn; the training's own does not change which texts are tested", low=0, high=2**31 - 1
    )
    vocabulary: str = setting("", "run, or vocabulary.txt, whose words are taken; empty: those of training are learnt")
    vocabulary_size: int = setting(10_000, "most tokens kept, special ones not counted", low=1)
    min_count: int = setting(1, "words seen less often in training are unknown; wordpiece: make no piece of their own", low=1)
    tokenizer: str = setting("word", "what a token is: a word, or a piece of one", choices=("word", "wordpiece"))
    lowercase: bool = setting(False, "lower-case all texts")
    split_punctuation: bool = setting(False, "make tokens of punctuation at the edges of words")
    unicode: str = setting("NFC", "NFC: composed and decomposed spellings of a word are one; none: two", choices=("NFC", "none"))
    binarize: str = setting(
        "stochastic",
        "how a grey pixel becomes black or white: drawn anew each epoch, or by whether it is above a half",
        choices=("stochastic", "threshold"),
    )
    train_max_length: int = setting(40, "training sentences are cut to so many tokens, end of sentence included; 0: no limit", low=0)
    eval_max_length: int = setting(1000, "ceiling on a sentence's tokens wherever it is scored; longer ones are cut with a warning", low=2)
    features: str = setting(
        "",
        "features of texts beside their words: FILE.npy, a row a row of train_file (with commas: of each file); column:NAME of a table; or "
        "a model of sentence-transformers, by its folder, its name, or an installed package that holds it",
    )
    labelled_share: float = setting(
        1.0, "share of the training examples whose labels the objective sees, drawn by training.seed", low=0, high=1
    )
    context: int = setting(
        0, "dialogues: earlier turns, at most, that an example comes with; 0: a turn is a sentence like any other", low=0
    )
    delexicalize: bool = setting(False, "smd: entities of its knowledge bases become marks of their kinds, as <poi>")
    groups: int = setting(1, "shards: groups of files, a share of each batch from each, so that a host may have its own alone", low=1)
    limit: int = setting(0, "examples used of each split; 0: all", low=0)
    batch_size: int = setting(30, "examples a training batch", low=1)
    eval_batch_size: int = setting(50, "examples a batch of validation and test", low=1)


@dataclasses.dataclass
class EncoderConfig:
    """The network from a batch to features."""

    kind: str = setting("recurrent", "network of the encoder", choices=KINDS["encoder.kind"])
    embedding_dim: int = setting(512, "size of a word embedding", low=1)
    hidden_dim: int = setting(512, "units of a GRU, per direction, or of a dense layer", low=1)
    num_layers: int = setting(1, "layers, or residual blocks", low=1)
    dropout: float = setting(0.3, "dropout on embeddings and between layers", low=0, high=0.95)
    filters: int = setting(64, "residual: maps of a convolution", low=1)
    kernel_size: int = setting(3, "residual: pixels of a convolution's kernel, a side", low=1)


@dataclasses.dataclass
class LatentConfig:
    """The posterior and the prior of z, and of c where there is one."""

    kind: str = setting(
        "mixture", "latent distribution, or several side by side, as gaussian+discrete", choices=KINDS["latent.kind"], join=JOIN
    )
    family: str = setting(
        "gaussian",
        "exponential family of a mixture's components: gaussian, von_mises_fisher, categorical, bernoulli, dirichlet, gamma, poisson or "
        "one of yours",
    )
    variables: int = setting(20, "latent variables J, each with a mixture prior of its own", low=1)
    components: int = setting(5, "components K of each mixture, or values of each discrete variable", low=1)
    dim: int = setting(2, "dimension D of one variable", low=1)
    factors: int = setting(1, "categorical: one-hot vectors that a variable is made of, which share its mixture's code", low=1)
    values: int = setting(8, "categorical: values of each of those", low=2)
    kappa: float = setting(50.0, "von Mises-Fisher: the posterior's frozen concentration; where it is learned, the first", above=0)
    prior_kappa: float = setting(20.0, "von Mises-Fisher: the components' frozen concentration", above=0)
    hidden_dim: int = setting(1024, "units of the network from features to component logits", low=1)
    mixing: str = setting("uniform", "weights of a mixture's components: 1/K each, or learned", choices=("uniform", "learned"))
    detached_codes: bool = setting(False, "marginal_mixture: the KL of codes moves z and the components, and not q(c|x)")
    gumbel: str = setting(
        "soft",
        "discrete: what training samples are: relaxed, or one-hot with the gradient of the relaxed; elsewhere they are one-hot",
        choices=("soft", "straight_through"),
    )
    temperature: float = setting(1.0, "discrete: temperature of the relaxation at the first step", above=0)
    temperature_decay: float = setting(0.0, "discrete: r of its fall by exp(-r step)", low=0)
    temperature_floor: float = setting(0.5, "discrete: where its fall ends", above=0)
    learn_kappa: bool = setting(False, "spherical, polar: the encoder says each example's concentration, which is a setting otherwise")
    kappa_gradient: str = setting(
        "exact",
        "learn_kappa: gradient of samples in kappa; detached: none, as in the authors' code, and kappa falls",
        choices=("exact", "detached"),
    )
    norm_max: float = setting(2.0, "polar: the prior's norms are uniform up to this", above=0)
    norm_width: float = setting(1.0, "polar: width of the interval that a posterior's norm is uniform on", above=0)
    batch_norm: float = setting(0.0, "gaussian: standard deviation of posterior means over a batch; 0: they are not normalised", low=0)
    minimum_kl: float = setting(
        0.0, "gaussian: nats of KL that every dimension has at least, by what parameters it may have", low=0, high=20
    )
    pseudo_inputs: int = setting(50, "vamp: posteriors that the prior is a mixture of", low=1)


@dataclasses.dataclass
class DecoderConfig:
    """The distribution of an example given z."""

    kind: str = setting("recurrent", "network of the decoder", choices=KINDS["decoder.kind"])
    embedding_dim: int = setting(512, "size of a word embedding", low=1)
    hidden_dim: int = setting(512, "units of a GRU, or of a dense layer", low=1)
    num_layers: int = setting(1, "layers", low=0)
    filters: int = setting(32, "pixel_cnn: maps of a convolution", low=1)
    kernel_size: int = setting(3, "pixel_cnn: pixels of a convolution's kernel, a side; an odd number", low=1)
    latent_filters: int = setting(1, "pixel_cnn: maps that z becomes for a layer that reads it", low=1)
    z_to_state: bool = setting(True, "z gives every layer its initial state")
    z_to_inputs: str = setting("first", "which layers read z beside their input at every step", choices=("none", "first", "all"))
    z_to_output: bool = setting(False, "z enters the logits: E h + U z + b")
    tied_embeddings: bool = setting(True, "the output projection is the embedding table (needs embedding_dim = hidden_dim)")
    context_embedding_dim: int = setting(200, "contextual: size of the embedding of a word of an earlier turn", low=1)
    turn_dim: int = setting(256, "contextual: units of the GRU over the words of an earlier turn, per direction", low=1)
    context_dim: int = setting(512, "contextual: units of the GRU over earlier turns", low=1)
    dropout: float = setting(0.3, "dropout on embeddings, between layers and on the output; bag_of_words: on its logits", low=0, high=0.95)
    word_dropout: float = setting(
        0.0, "probability that a word read is hidden from the decoder in training; 1: inputless, always", low=0, high=1
    )


@dataclasses.dataclass
class InferenceConfig:
    """From a batch to the parameters of its posterior."""

    kind: str = setting(
        "amortized",
        "how they are found: by the encoder alone; codes by heads of their own, by a linear classifier that labels teach, or by words and "
        "pairs of neighbours beside the encoder; or by steps that refine the encoder's word",
        choices=KINDS["inference.kind"],
    )
    views: str = setting(
        "",
        "code_heads: what each variable's code is read from, with commas between and used in turn, such as form,content; empty: what suits",
    )
    hidden_dim: int = setting(128, "code_heads: units of a head", low=1)
    start_confidence: float = setting(
        0.62,
        "code_heads: heads first imitate clusters, until the greatest probability of a code is this, on average; more where codes then die",
        above=0,
        high=1,
    )
    start_steps: int = setting(1000, "code_heads: updates of that at most", low=0)
    agreement_steps: int = setting(600, "code_heads: updates by the agreement of two sights, after those", low=0)
    start_batch_size: int = setting(384, "code_heads: examples of such an update", low=2)
    hidden_share: float = setting(
        0.3,
        "code_heads: share of features that one of the sights lacks; ngrams, linear: of words and neighbours, in training",
        low=0,
        high=0.95,
    )
    order: int = setting(2, "ngrams, linear: words in a row that are looked up together, at most; 1: words alone", low=1, high=5)
    semantic_dim: int = setting(128, "linear: coordinates of where a text lies by what it shares with others", low=1)
    balance: float = setting(
        1.0, "code_heads: weight of the entropies of the codes' use in their agreement; below 1, codes may be used unequally", low=0, high=2
    )
    memory: float = setting(0.9, "code_heads: weight of earlier updates in how often codes come together", low=0, high=0.99)
    seed_words: str = setting("", "code_heads: file of words that tell codes, a line 'name: word, word' each; [1] begins variable 1's")
    seed_label: str = setting("", "code_heads: label whose classes variable 0's codes are to be; it may be missing of most texts")
    trainable: bool = setting(False, "code_heads, linear: what was learned before goes on being taught while the rest is trained")
    steps: int = setting(10, "refinement: steps on each example's own bound; 0: the encoder's word as it is", low=0)
    rate: float = setting(0.03, "refinement: size of a step, of an example's own loss; of a batch's mean it would be 1", above=0)
    momentum: float = setting(0.5, "refinement: share of the last step that is kept", low=0, high=0.99)
    clip: float = setting(5.0, "refinement: norm of an example's gradient above which it is scaled down; 0: never", low=0)
    samples: int = setting(1, "refinement: samples of z that a step's gradient is the mean over", low=1)
    answer_samples: int = setting(4, "refinement: the same outside training; 0: answers are the encoder's word, unrefined", low=0)
    gradient: str = setting(
        "difference",
        "refinement: how the encoder learns: through the steps, exactly or by differences of gradients (SA-VAE; difference_encoder: it "
        "alone), from its own bound (none: VAE+SVI), or by the KL to what the steps find (divergence: VAE+SVI+KL)",
        choices=("difference", "exact", "difference_encoder", "none", "divergence"),
    )
    sides: int = setting(
        1, "refinement: of a step, on which there are differences of gradients: 1, or 2, more exact and slower", low=1, high=2
    )


@dataclasses.dataclass
class ScheduleConfig:
    """Weight w(step) of the regularisers."""

    kind: str = setting("logistic", "shape of w(step)", choices=("logistic", "linear", "cyclical", "constant"))
    slope: float = setting(0.0025, "logistic: k of 1 / (1 + exp(-k (step - midpoint)))", above=0)
    midpoint: int = setting(2500, "logistic: the step at which w = 1/2", low=0)
    epochs: int = setting(0, "linear and cyclical: the same in epochs, in place of steps; 0: steps", low=0)
    start: float = setting(0.0, "linear and cyclical: w at the first step", low=0, high=1)
    steps: int = setting(10_000, "linear: steps until w = 1; cyclical: steps of all cycles together", low=1)
    cycles: int = setting(4, "cyclical: number of cycles", low=1)
    ramp: float = setting(0.5, "cyclical: share of a cycle in which w rises", above=0, high=1)
    value: float = setting(1.0, "constant: w", low=0, high=1)


@dataclasses.dataclass
class ObjectiveConfig:
    """loss = reconstruction + w(step) * [kl_weight * sum of KLs - beta * dispersion - mi_weight * mutual information]."""

    beta: float = setting(0.0, "share of the dispersion term given back: 0 the plain mixture, 1 the penalty cancelled", low=0, high=1)
    mi_weight: float = setting(0.0, "weight of the mutual information I(x; c) in the objective", low=0, high=1)
    kl_weight: float = setting(1.0, "weight of the KL terms", low=0)
    code_weight: float = setting(1.0, "weight of the KL of codes among the KL terms", low=0)
    free_bits: float = setting(0.0, "nats of KL a unit may use without penalty", low=0)
    free_bits_per: str = setting("variable", "what a unit of free_bits is", choices=("variable", "dimension", "total"))
    bag_of_words_weight: float = setting(
        0.0, "weight of an auxiliary loss that predicts an example's words from z, their order aside (Zhao et al. 2017)", low=0
    )
    agreement_weight: float = setting(
        0.0, "weight of an auxiliary loss: minus the mutual information of codes of two sights of an example (Ji et al. 2019)", low=0
    )
    labels: str = setting(
        "", "labels of the corpus that say what codes are, and the variable of each: emotion:0,act:1; class k is component k; empty: none"
    )
    label_weight: float = setting(1.0, "weight of their cross-entropy, a mean over the examples whose label is known", low=0)
    information_weight: float = setting(
        0.0, "share of the mutual information I(x; z) given back; 1: the KL is that of the aggregate posterior (DG-VAE)", low=0, high=1
    )
    policy_weight: float = setting(
        0.0, "contextual decoder: weight of an auxiliary loss that predicts an answer's code from what was said before", low=0
    )
    attribute_weight: float = setting(
        0.0, "weight of an auxiliary loss: what is written, encoded again, has the code that it was written from (Hu et al. 2017)", low=0
    )
    norm_weight: float = setting(0.0, "spherical, polar: weight of (length of the direction before it is normalised - 1)^2", low=0)
    samples: int = setting(1, "posterior samples an example in training", low=1)
    schedule: ScheduleConfig = dataclasses.field(default_factory=ScheduleConfig)


@dataclasses.dataclass
class TrainingConfig:
    """Optimisation, selection and stopping."""

    seed: int = setting(0, "all randomness is a function of seed and step", low=0, high=2**31 - 1)
    preset: str = setting("", "a paper's optimisation, a name of tfvae.registry.presets; empty: this project's")
    init_from: str = setting("", "run whose weights training begins with; words that both have keep their rows")
    init_parts: str = setting("encoder,latent", "parts that init_from gives, of encoder, latent, decoder and inference, the heads of codes")
    freeze: str = setting(
        "", "parts that do not learn, of encoder, latent, decoder and inference, with commas between; init_from gives their weights"
    )
    embeddings: str = setting("", "file of word vectors that embeddings begin with, in the text format of GloVe and fastText")
    epochs: int = setting(50, "passes over the training split, or as many times epoch_steps updates", low=1)
    epoch_steps: int = setting(
        0,
        "updates that make an epoch, after which there are figures, a selection and a checkpoint; 0: a pass over the training split",
        low=0,
    )
    optimizer: str = setting("adam", "optimiser", choices=("adam", "sgd"))
    learning_rate: float = setting(1e-3, "the optimiser's step size", above=0)
    clip_norm: float = setting(0.5, "global gradient norm above which gradients are scaled down; 0: no clipping", low=0)
    aggressive: int = setting(
        0, "encoder updates, at most, before each of the rest, until I(x; z) falls; 0: all are updated together; 100 in the paper", low=0
    )
    select: str = setting(
        "objective",
        "which validation figure selects the epoch that is kept; label: the cross-entropy of labels",
        choices=("objective", "elbo", "label"),
    )
    min_improvement: float = setting(0.004, "relative fall of that figure that counts as an improvement", low=0, high=0.5)
    patience: int = setting(10, "epochs without improvement before training stops; 0: never", low=0)
    lr_patience: int = setting(3, "epochs without improvement before the learning rate falls; 0: never", low=0)
    lr_wait: int = setting(0, "epochs before the learning rate may fall", low=0)
    lr_keep_falling: bool = setting(False, "once the learning rate has fallen, it falls after every epoch")
    lr_decay: float = setting(0.8, "factor by which the learning rate falls", above=0, high=1)
    min_learning_rate: float = setting(1e-6, "training stops when the learning rate falls below", low=0)
    snapshot_sentences: int = setting(300, "validation examples whose posteriors are kept at every epoch", low=0)
    precision: str = setting(
        "float32", "numbers that networks multiply; auto: bfloat16 where the processor has it", choices=("float32", "bfloat16", "auto")
    )
    implementation: str = setting("fast", "custom-gradient layers, or their plain twins", choices=("fast", "plain"))
    noise: str = setting(
        "batch",
        "what noise is a function of beside seed and step: the batch, or each example's number, and so of no device or process; those of "
        "--strategy need the latter",
        choices=("batch", "example"),
    )


@dataclasses.dataclass
class Config:
    """Everything that a run depends on, but for versions and the machine."""

    model: str = setting("dem_vae", "a name of tfvae.registry.models")
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    encoder: EncoderConfig = dataclasses.field(default_factory=EncoderConfig)
    latent: LatentConfig = dataclasses.field(default_factory=LatentConfig)
    decoder: DecoderConfig = dataclasses.field(default_factory=DecoderConfig)
    inference: InferenceConfig = dataclasses.field(default_factory=InferenceConfig)
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
        return {path: getattr(node, field.name) for path, node, field in leaves(self)}

    def validate_fields(self) -> None:
        """Checks every field by itself.

        Raises:
          UserError: names the field, the value and what is admitted.
        """
        for path, node, leaf in leaves(self):
            check_range(path, getattr(node, leaf.name), leaf.metadata)

    def validate(self) -> None:
        """Checks every field and the rules that bind several.

        Raises:
          UserError: names the field, the value and what is admitted.
        """
        self.validate_fields()
        for problem in broken_rules(self):
            raise UserError(problem)

    @property
    def on_spheres(self) -> bool:
        """Whether the latent variables are points of spheres."""
        return on_spheres(self.latent)


def check_field(path: str, value: Any) -> None:
    """Checks a value of one field by itself, whatever the others are.

    Raises:
      UserError: it is not admitted.
    """
    for name, _, field in leaves(Config()):
        if name == path:
            check_range(path, value, field.metadata)


def describe_fields() -> dict[str, str]:
    """Returns the help text of every field by its path, with the default and what is admitted."""
    described = {}
    for path, node, field in leaves(Config()):
        limits = field.metadata or {"help": path}
        choices = f"one of {', '.join(limits['choices'])}; " if limits.get("choices") else ""
        described[path] = f"{limits['help']} ({choices}default {getattr(node, field.name)!r})"
    return described
