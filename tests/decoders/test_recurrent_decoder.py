import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.decoders.recurrent import RecurrentDecoder
from tfvae.encoders.recurrent import RecurrentEncoder
from tfvae.tokens import BOS, UNK

V, Z, H, S = 12, 3, 5, 2
SEED = tf.constant([1, 2], tf.int32)
BATCH = {
    "tokens": tf.constant([[4, 5, 6, 7, 3], [5, 3, 0, 0, 0], [8, 1, 3, 0, 0]], tf.int32),
    "length": tf.constant([5, 2, 3], tf.int32),
    "weight": tf.ones([3]),
}
SWITCHES = list(itertools.product((True, False), ("none", "first", "all"), (True, False)))


def decoder(**options):
    options = {"z_dim": Z, "embedding_dim": H, "hidden_dim": H, "num_layers": 2, "seed": 1, "dtype": "float64", **options}
    layer = RecurrentDecoder(V, **options)
    for weight in layer.weights:
        weight.assign(5 * weight)
    layer.softmax.bias.assign(np.linspace(-1, 1, V))
    return layer


def latent(size=Z):
    return tf.constant(np.random.default_rng(0).normal(size=(S, 3, size)) * 3)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(("z_to_state", "z_to_inputs", "z_to_output"), SWITCHES)
def test_log_prob_is_the_walk_along_the_sentence(z_to_state, z_to_inputs, z_to_output, tied):
    layer = decoder(z_to_state=z_to_state, z_to_inputs=z_to_inputs, z_to_output=z_to_output, tied_embeddings=tied)
    z = latent()
    expected = np.zeros([S, 3])
    for sample in range(S):
        state, tokens = layer.init(z[sample]), tf.fill([3], BOS)
        for t in range(5):
            logits, state = layer.step_function()(state, tokens, z[sample])
            tokens = BATCH["tokens"][:, t]
            score = tf.gather(tf.nn.log_softmax(logits), tokens, batch_dims=1)
            expected[sample] += np.where(t < BATCH["length"], score, 0)
    np.testing.assert_allclose(layer.log_prob(BATCH, z), expected, atol=1e-10)
    assert (np.abs(expected[0] - expected[1]).max() > 1e-3) == (z_to_state or z_to_inputs != "none" or z_to_output)


@pytest.mark.parametrize("implementation", ["fast", "plain"])
def test_padding_changes_no_log_prob(implementation):
    layer = decoder(implementation=implementation, z_to_inputs="all", z_to_output=True)
    padded = {**BATCH, "tokens": tf.pad(BATCH["tokens"], [[0, 0], [0, 4]])}
    np.testing.assert_allclose(layer.log_prob(padded, latent()), layer.log_prob(BATCH, latent()), atol=1e-10)
    np.testing.assert_array_equal(layer.num_observations(padded), [5, 2, 3])


def fast_and_plain(dtype, z_to_state, z_to_inputs, z_to_output):
    """Pairs of values and gradients, of the fast decoder and of the plain one."""

    def run(implementation):
        switches = {"z_to_state": z_to_state, "z_to_inputs": z_to_inputs, "z_to_output": z_to_output, "tied_embeddings": z_to_state}
        layer = decoder(**switches, dropout=0.3, word_dropout=0.3, implementation=implementation, dtype=dtype)
        z = tf.cast(latent(), dtype)
        with tf.GradientTape() as tape:
            tape.watch(z)
            scores = layer.log_prob(BATCH, z, seed=SEED)
            loss = tf.reduce_sum(scores * tf.reshape(tf.range(6, dtype=dtype), [2, 3]))
        sources = [w.value for w in layer.trainable_variables]
        if z_to_state or z_to_inputs != "none" or z_to_output:
            sources.append(z)
        return [scores, *map(tf.convert_to_tensor, tape.gradient(loss, sources))]

    return zip(run("fast"), run("plain"), strict=True)


@pytest.mark.parametrize("switches", SWITCHES)
def test_fast_equals_plain(switches):
    for value, expected in fast_and_plain("float64", *switches):
        np.testing.assert_allclose(value, expected, atol=1e-10)


def test_fast_equals_plain_in_float32():
    for value, expected in fast_and_plain("float32", True, "all", True):
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_skip_decoder_without_its_skips_is_the_plain_decoder():
    plain, skip = decoder(z_to_inputs="first"), decoder(z_to_inputs="all", z_to_output=True)
    assert np.abs(skip.log_prob(BATCH, latent()) - plain.log_prob(BATCH, latent())).max() > 1e-3
    skip.softmax.skip_kernel.assign(np.zeros([Z, V]))
    skip.cells[1].kernel.assign(np.concatenate([plain.cells[1].kernel, np.zeros([Z, 3 * H])]))
    np.testing.assert_allclose(skip.log_prob(BATCH, latent()), plain.log_prob(BATCH, latent()), rtol=0, atol=1e-12)


def test_without_z_it_is_a_language_model():
    layer = decoder(z_dim=0, z_to_inputs="all", z_to_output=True)
    scores = layer.log_prob(BATCH, latent(0))
    assert scores.shape == (S, 3)
    np.testing.assert_array_equal(scores[0], scores[1])
    peer = decoder(z_to_state=False, z_to_inputs="none")
    np.testing.assert_allclose(peer.log_prob(BATCH, latent()), scores, atol=1e-12)
    logits, _ = layer.step_function()(layer.init(tf.zeros([3, 0])), tf.fill([3], BOS), tf.zeros([3, 0]))
    assert logits.shape == (3, V)


@pytest.mark.parametrize("seed", [SEED, None])
def test_inputless_scores_do_not_depend_on_earlier_words_in_training_or_outside(seed):
    one, other = tf.constant([[4, 5, 6, 3]]), tf.constant([[9, 8, 6, 3]])

    def last_two(layer, tokens):
        whole, start = ({"tokens": tokens, "length": tf.constant([length])} for length in (4, 2))
        z = latent()[:, :1]
        return layer.log_prob(whole, z, seed=seed) - layer.log_prob(start, z, seed=seed)

    inputless = decoder(word_dropout=1.0)
    np.testing.assert_allclose(last_two(inputless, one), last_two(inputless, other), atol=1e-12)
    ordinary = decoder()
    assert np.abs(last_two(ordinary, one) - last_two(ordinary, other)).max() > 1e-4


def test_inputless_steps_read_no_word_but_the_beginning():
    layer, z = decoder(word_dropout=1.0), latent()[0]
    logits = [layer.step_function()(layer.init(z), tf.fill([3], word), z)[0] for word in (4, 5, BOS)]
    np.testing.assert_array_equal(logits[0], logits[1])
    assert np.abs(logits[0] - logits[2]).max() > 1e-4


def test_word_dropout_has_its_rate_and_spares_the_beginning():
    layer = decoder(word_dropout=0.3)
    tokens = tf.fill([200, 50], 5)
    words = layer._inputs(tokens, SEED).numpy()
    assert np.all(words[:, 0] == BOS)
    assert abs(np.mean(words[:, 1:] == UNK) - 0.3) < 5 * np.sqrt(0.3 * 0.7 / (200 * 49))
    assert set(np.unique(words[:, 1:])) == {UNK, 5}
    assert UNK not in layer._inputs(tokens, None).numpy()


def test_dropout_is_a_function_of_the_seed():
    layer, z = decoder(dropout=0.5, word_dropout=0.3), latent()
    first = layer.log_prob(BATCH, z, seed=SEED)
    np.testing.assert_array_equal(layer.log_prob(BATCH, z, seed=SEED), first)
    assert np.abs(layer.log_prob(BATCH, z, seed=SEED + 1) - first).max() > 1e-3
    np.testing.assert_array_equal(layer.log_prob(BATCH, z), decoder().log_prob(BATCH, z))


def test_mistaken_arguments_are_errors():
    with pytest.raises(ValueError, match="'second'"):
        decoder(z_to_inputs="second")
    with pytest.raises(ValueError, match="not 4 and 5"):
        decoder(tied_embeddings=True, embedding_dim=4)


@pytest.mark.parametrize("tied", [True, False])
def test_config_round_trips(tied):
    layer = RecurrentDecoder(
        V, z_dim=Z, embedding_dim=H, hidden_dim=H, num_layers=2, z_to_inputs="all", z_to_output=True, tied_embeddings=tied
    )
    twin = RecurrentDecoder.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    np.testing.assert_array_equal(twin.log_prob(BATCH, latent()), layer.log_prob(BATCH, latent()))


@keras.saving.register_keras_serializable(package="test")
class Model(keras.Model):
    def __init__(self, encoder=None, decoder=None, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder or RecurrentEncoder(V, embedding_dim=4, hidden_dim=3, num_layers=2)
        self.decoder = decoder or RecurrentDecoder(
            V, z_dim=6, embedding_dim=H, hidden_dim=H, num_layers=2, z_to_inputs="all", z_to_output=True
        )

    def build(self, *_):
        self.built = True

    def call(self, batch):
        return self.decoder.log_prob(batch, self.encoder(batch)[None])

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {**super().get_config(), "encoder": serialize(self.encoder), "decoder": serialize(self.decoder)}

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in ("encoder", "decoder")}
        return cls(**parts, **config)


def test_a_model_of_these_layers_saves_and_loads(tmp_path):
    model = Model()
    for weight in model.weights:
        weight.assign(weight + 0.1)
    scores = model(BATCH)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(BATCH), scores)
