import numpy as np
import pytest
import tensorflow as tf

from tfvae.data.turn import Turn, alternating
from tfvae.data.vocabulary import Vocabulary
from tfvae.decoders.contextual import ContextualDecoder
from tfvae.decoders.recurrent import RecurrentDecoder
from tfvae.generation.decoding import Decoding
from tfvae.modalities.turns import Turns

TURNS = Turns(Vocabulary(["a", "b", "c", "d"]), context=60)
SIZES = {"z_dim": 2, "embedding_dim": 6, "hidden_dim": 6, "tied_embeddings": True, "z_to_output": True, "seed": 4}
CONTEXT = {"context_embedding_dim": 3, "turn_dim": 4, "context_dim": 5}
ITEMS = [Turn("a b c d a", alternating(["d", "b a"])), Turn("c c", alternating(["a a a"] * 50)), Turn("d a", ())]


def batch_of(items):
    [(index, batch, _)] = TURNS.batches(items, len(items))
    back = np.argsort(index)
    return {name: tf.gather(value, back) for name, value in batch.items()}


@pytest.fixture(scope="module")
def decoder():
    made = ContextualDecoder(8, **SIZES, **CONTEXT, dtype="float64")
    for weight in made.weights:  # so that what is said is plainly another under another context
        weight.assign(4 * weight)
    for kernel in made.context_kernels:
        kernel.assign(10 * kernel)
    return made


Z = tf.constant([[[0.3, -1.0], [0.5, 0.2], [-0.4, 0.9]]], tf.float64)


def stepped(decoder, batch):
    """The log p(x|z, context) of a sampler's steps, [B]."""
    advance, z = decoder.step_function(), Z[0]
    state, before, total = decoder.init(z, decoder.prepare(batch)), tf.fill([3], 2), np.zeros(3)
    for place in range(batch["tokens"].shape[1]):
        logits, state = advance(state, before, z)
        before = batch["tokens"][:, place]
        said = tf.gather(tf.nn.log_softmax(logits), before, batch_dims=1).numpy()
        total += np.where(place < batch["length"].numpy(), said, 0)
    return total


def test_a_sampler_s_steps_give_the_likelihood(decoder):
    batch = batch_of(ITEMS)
    np.testing.assert_allclose(decoder.log_prob(batch, Z)[0], stepped(decoder, batch), rtol=1e-9)


def test_the_likelihood_of_an_example_depends_on_its_own_context_alone(decoder):
    together = decoder.log_prob(batch_of(ITEMS), Z)[0]
    for row, item in enumerate(ITEMS):
        alone = decoder.log_prob(batch_of([item]), Z[:, row : row + 1])
        np.testing.assert_allclose(alone[0, 0], together[row], rtol=1e-9)
    others = decoder.log_prob(batch_of([Turn(ITEMS[0], alternating(["b a", "d"])), *ITEMS[1:]]), Z)[0]
    assert abs(others[0] - together[0]) > 1e-3 and np.allclose(others[1:], together[1:], rtol=1e-9)


def test_samples_share_what_is_read_of_the_context(decoder):
    batch = batch_of(ITEMS)
    several = decoder.log_prob(batch, tf.concat([Z, -Z], 0))
    np.testing.assert_allclose(several, [decoder.log_prob(batch, Z)[0], decoder.log_prob(batch, -Z)[0]], rtol=1e-9)
    prepared = decoder.prepare(batch)
    assert decoder.prepare(prepared) is prepared
    np.testing.assert_allclose(decoder.log_prob(prepared, Z), decoder.log_prob(batch, Z), rtol=1e-12)


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
def test_what_is_written_answers_each_context(decoder, method):
    batch, decoding = batch_of(ITEMS), Decoding(method=method, max_length=7, beam_width=3)
    seeds = tf.constant([[0, 1], [2, 3], [4, 5]])
    together = decoder.write(Z[0], seeds, decoding, batch).numpy()
    for row, item in enumerate(ITEMS):
        alone = decoder.write(Z[0, row : row + 1], seeds[row : row + 1], decoding, batch_of([item])).numpy()[0]
        np.testing.assert_array_equal(alone[alone > 0], together[row][together[row] > 0])
    nothing = decoder.write(Z[0], seeds, decoding).numpy()
    assert method == "sample" or not np.array_equal(nothing[:, : together.shape[1]], together[:, : nothing.shape[1]])
    np.testing.assert_array_equal(nothing[2][nothing[2] > 0], together[2][together[2] > 0])


def test_the_words_distribution_sums_to_the_likelihood(decoder):
    batch = batch_of(ITEMS)
    words, packing = decoder.word_probabilities(batch, Z)
    said = tf.gather(tf.math.log(words), packing.pack(batch["tokens"]), batch_dims=1)
    np.testing.assert_allclose(tf.math.unsorted_segment_sum(said, packing.sentence, 3), decoder.log_prob(batch, Z)[0], rtol=1e-9)


def test_the_language_model_in_it_begins_as_the_recurrent_one(decoder):
    both = [kind(8, **SIZES, **more) for kind, more in ((RecurrentDecoder, {}), (ContextualDecoder, CONTEXT))]
    for own, other in zip(
        *([made.embedding, *made.state_kernels, *made.cells[0].weights, *made.softmax.weights] for made in both), strict=True
    ):
        np.testing.assert_array_equal(own, other)
    again = ContextualDecoder.from_config(both[1].get_config())
    assert again.get_config() == both[1].get_config() and again.context_dim == 5
