"""Tokenized splits and the batches made of them, in an order that is a function of the seed and the epoch alone."""

import dataclasses
import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.data.corpus import Split
from tfvae.data.shares import WHOLE, Shares, lay_out
from tfvae.data.vocabulary import CHUNK, Vocabulary
from tfvae.tokens import EOS, PAD

log = logging.getLogger("tfvae")
_USUAL_LENGTH = 64  # tokens up to which a batch is as large as was asked for

Batch = dict[str, tf.Tensor | dict[str, tf.Tensor]]
"""tokens: int32 [B, T], right-padded with PAD; length: int32 [B], EOS included; weight: float32 [B], ones; index: the examples' numbers
in their split, int32 [B]; labels: {name: int32 [B]}."""


@dataclasses.dataclass(frozen=True)
class TokenExamples:
    """A tokenized split.

    Attributes:
      tokens: the ids of all N sentences one after the other, each with EOS at its end, int32.
      row_splits: sentence i is tokens[row_splits[i] : row_splits[i + 1]], int64 [N + 1].
      whole_length: tokens of a sentence before it was cut, int32 [N].
      labels: for each label name the class of every sentence, int32 [N].
    """

    tokens: np.ndarray
    row_splits: np.ndarray
    whole_length: np.ndarray
    labels: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.whole_length)

    @property
    def length(self) -> np.ndarray:
        """Tokens of each sentence, EOS included, int32 [N]."""
        return np.diff(self.row_splits).astype(np.int32)

    @property
    def cost(self) -> np.ndarray:
        """What a sentence costs in a batch, its tokens, int32 [N]."""
        return self.length

    @property
    def cut(self) -> np.ndarray:
        """The numbers of the sentences that lost tokens, ascending, int64 [num_cut]."""
        return np.flatnonzero(self.length < self.whole_length)

    @property
    def num_cut(self) -> int:
        """How many sentences lost tokens."""
        return len(self.cut)

    def batch(self, index: np.ndarray | tf.Tensor, epoch: Any = None) -> Batch:
        """Returns the batch of the sentences that `index`, int [B], names, padded to the longest of them; the same in every epoch."""
        index = tf.cast(index, tf.int32)
        tokens, length = self._rows(index)
        return {
            "tokens": tokens,
            "length": length,
            "weight": tf.ones_like(index, tf.float32),
            "index": index,
            "labels": {name: tf.gather(classes, index) for name, classes in self._classes.items()},
        }

    def _rows(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Tokens [B, T] and length [B] of some sentences."""
        ids, length = self._tensors
        return tf.gather(ids, index).to_tensor(PAD), tf.gather(length, index)

    @functools.cached_property
    def _classes(self) -> dict[str, tf.Tensor]:
        with tf.init_scope(), tf.device("CPU"):
            return {name: tf.constant(classes) for name, classes in self.labels.items()}

    @functools.cached_property
    def _tensors(self) -> tuple[tf.RaggedTensor, tf.Tensor]:
        # tf.data runs on the CPU: what an accelerator holds would be copied back; and its graphs must not own what outlives them
        with tf.init_scope(), tf.device("CPU"):
            ids = tf.RaggedTensor.from_row_splits(tf.constant(self.tokens), tf.constant(self.row_splits))
            return ids, tf.constant(self.length)


def tokenize_split(split: Split, vocabulary: Vocabulary, max_length: int, *, ceiling: int = 0) -> TokenExamples:
    """Tokenizes a split.

    Args:
      split: N texts with their labels.
      vocabulary: maps texts to ids.
      max_length: most tokens of a sentence, EOS included; a longer one keeps its first max_length - 1 and EOS. 0: no limit.
      ceiling: `eval_max_length`, to have logged what `warn_of_cuts` says; 0: nothing is logged.
    """
    # chunk by chunk, as what cutting needs is several times as large as the tokens
    chunks = [_cut(vocabulary.tokenize(split.items[start : start + CHUNK]), max_length) for start in range(0, len(split), CHUNK)]
    tokens, length, whole_length = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    examples = TokenExamples(tokens, np.concatenate([[0], np.cumsum(length)]), whole_length.astype(np.int32), split.labels)
    if ceiling:
        warn_of_cuts(split, examples, max_length, ceiling=ceiling)
    return examples


def _cut(ids: tf.RaggedTensor, max_length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens of sentences one after the other, how many each has, and how many it had."""
    tokens, whole_length = ids.flat_values.numpy(), ids.row_lengths().numpy()
    length = np.minimum(whole_length, max_length or whole_length)
    position = np.arange(len(tokens)) - np.repeat(np.cumsum(whole_length) - whole_length, whole_length)
    tokens = tokens[position < np.repeat(length, whole_length)]
    tokens[np.cumsum(length) - 1] = EOS
    return tokens, length, whole_length


def spread(count: int, num: int) -> np.ndarray:
    """Returns the numbers of `num` of `count` examples, or of all where there are fewer, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(num, count)).astype(np.int32))


def warn_of_cuts(split: Split, examples: TokenExamples, max_length: int, *, ceiling: int, most_named: int = 5) -> None:
    """Logs how many sentences of a split were cut to `max_length`, training's when it is below the ceiling, `eval_max_length`.

    Names the file and line of sentences beyond the ceiling, `most_named` of them at most.
    """
    if examples.num_cut and max_length < ceiling:
        log.warning("%s training sentences are longer than %d tokens and are cut", f"{examples.num_cut:,} of {len(examples):,}", max_length)
    beyond = np.flatnonzero(examples.whole_length > ceiling)
    for i in beyond[:most_named]:
        whole = examples.whole_length[i]
        fate = f"it is cut to {max_length}" if examples.length[i] < whole else "it is not cut"
        log.warning("%s: %d tokens, more than eval_max_length = %d; %s", split.where(i), whole, ceiling, fate)
    if len(beyond) > most_named:
        log.warning("and %d more in %s", len(beyond) - most_named, split.origin)


def bucket_boundaries(lengths: np.ndarray, num_buckets: int = 8) -> np.ndarray:
    """Chooses at most `num_buckets` buckets of about equally many sentences of lengths [N]; fewer when many share a length.

    Returns:
      The greatest length of each bucket, ascending, int [buckets]; the last is the longest sentence's.
    """
    return np.unique(np.quantile(lengths, np.arange(1, num_buckets + 1) / num_buckets, method="higher"))


def steps_per_epoch(examples: Any, batch_size: int) -> int:
    """Returns the number of training batches of a pass over the examples, the same for all passes."""
    return _Buckets(examples, batch_size).steps(batch_size)


def _steps(bucket: Sequence[np.ndarray], batch_size: int) -> int:
    """How many batches there are of a bucket, of which each group of files has the same share."""
    return -(-max(map(len, bucket)) // (batch_size // len(bucket)))


def training_batches(
    examples: Any, batch_size: int, seed: int, *, first_epoch: int = 0, epochs: int = 1, epoch_steps: int = 0, shares: Shares = WHOLE
) -> tf.data.Dataset:
    """Returns the batches of the epochs first_epoch, …, epochs - 1, one after the other.

    A pass has every example once, in batches of those that cost alike. It is a function of the seed and its number, so it comes out the
    same wherever the dataset starts. An epoch is a pass, or `epoch_steps` batches of one pass after the other. Of examples in groups
    (`ShardedExamples.groups`) each batch has as many of one as of another, as far as there are, and shares that follow each other have
    those of one group.

    Args:
      examples: the training split: `tfvae.modalities.modality.Examples`.
      batch_size: examples a batch; the last batch of each bucket of lengths may have fewer.
      seed: what the order depends on, beside the number of the epoch.
      first_epoch: the number of the epoch to start with.
      epochs: the number of the epoch to stop before.
      epoch_steps: batches of an epoch; 0: those of a pass.
      shares: which of each batch's, where replicas train on it together.
    """
    buckets = _Buckets(examples, batch_size)
    steps = buckets.steps(batch_size)
    first, end = (number * (epoch_steps or steps) for number in (first_epoch, max(first_epoch, epochs)))
    spare = [int(own[0]) for own in _groups(examples)]

    def plan(number: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng([seed, number])
        batches = []
        for bucket in buckets:
            orders = [random.permutation(own) for own in bucket]
            if len(bucket) == 1:
                batches += np.split(orders[0], range(batch_size, len(orders[0]), batch_size))
            else:  # a group that has fewer spreads them over the same batches
                dealt = zip(*(np.array_split(order, _steps(bucket, batch_size)) for order in orders), strict=True)
                batches += [np.concatenate(parts) if shares == WHOLE else lay_out(parts, spare, shares.count) for parts in dealt]
        batches = [batches[i] for i in random.permutation(steps)]
        return np.concatenate(batches), np.cumsum([0, *map(len, batches)])

    def indices(number: tf.Tensor) -> tf.data.Dataset:
        order, ends = tf.numpy_function(plan, [number], [tf.int32, tf.int64])
        begin, stop = tf.maximum(first - number * steps, 0), tf.minimum(end - number * steps, steps)
        return tf.data.Dataset.range(begin, stop).map(lambda i: (tf.ensure_shape(order[ends[i] : ends[i + 1]], [None]), number))

    # not Dataset.from_generator: it changes how the whole process allocates memory
    sized = tf.data.experimental.assert_cardinality(end - first)
    return _read(tf.data.Dataset.range(first // steps, -(-end // steps)).flat_map(indices).apply(sized), examples, shares)


def evaluation_batches(examples: Any, batch_size: int, index: np.ndarray | None = None, *, shares: Shares = WHOLE) -> tf.data.Dataset:
    """Returns one pass over the examples that `index` names, or all, the cheapest first; the last batch may be smaller.

    Of each batch it has `shares`, as `training_batches` does.
    """
    chosen = np.arange(len(examples)) if index is None else index
    order = chosen[np.argsort(examples.cost[chosen], kind="stable")].astype(np.int32)
    return _read(tf.data.Dataset.from_tensor_slices(order).batch(batch_size), examples, shares)


def _read(numbers: tf.data.Dataset, examples: Any, shares: Shares) -> tf.data.Dataset:
    """The batches of examples whose numbers, and the epoch where there is one, a dataset has."""
    if shares == WHOLE:
        return numbers.map(examples.batch).prefetch(tf.data.AUTOTUNE)

    def share(index: tf.Tensor, there: tf.Tensor, *epoch: tf.Tensor) -> Batch:
        batch = examples.batch(index, *epoch)
        return {**batch, "weight": batch["weight"] * there}

    return numbers.flat_map(shares.cut).map(share).prefetch(tf.data.AUTOTUNE)


def similar_batches(length: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    """Yields batches of the numbers of examples of similar costs [N], the dearest first; fewer of them where they are dear.

    So a batch of texts has no more tokens, padding included, than `batch_size` texts of usual length.
    """
    order = np.argsort(length, kind="stable")
    end = len(order)
    while end:
        longest = length[order[end - 1]]
        size = max(1, min(batch_size, batch_size * _USUAL_LENGTH // longest))
        yield order[max(0, end - size) : end]
        end = max(0, end - size)


def _groups(examples: Any) -> Sequence[np.ndarray]:
    """The numbers of the examples of each group of files; none where all are of one."""
    return getattr(examples, "groups", ())


class _Buckets:
    """The examples of each bucket, shortest first: of many, what is kept is a byte each."""

    def __init__(self, examples: Any, batch_size: int) -> None:
        # each bucket ends in a batch that may be small, so a bucket is at least a few batches
        boundaries = bucket_boundaries(examples.cost, min(8, max(1, len(examples) // (4 * batch_size))))
        self._count, self._groups = len(boundaries), _groups(examples)
        self._bucket = np.searchsorted(boundaries, np.arange(boundaries[-1] + 1)).astype(np.uint8)[examples.cost]

    def __iter__(self) -> Iterator[list[np.ndarray]]:
        """Yields the numbers of the examples in each bucket, int32 [n] in each group of files."""
        for number in range(self._count):
            there = self._bucket == number
            yield [own[there[own]] for own in self._groups] or [np.flatnonzero(there).astype(np.int32)]

    def steps(self, batch_size: int) -> int:
        """Returns how many batches there are in all."""
        return sum(_steps(bucket, batch_size) for bucket in self)
