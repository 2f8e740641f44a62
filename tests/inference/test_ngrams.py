import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tfvae.auxiliaries.label import KEY
from tfvae.errors import UserError
from tfvae.inference.ngrams import NGrams

SMALL = {"encoder__embedding_dim": 6, "encoder__hidden_dim": 5, "decoder__embedding_dim": 7, "decoder__hidden_dim": 7}
TOKENS = tf.constant([[4, 6, 7, 3], [6, 4, 3, 0], [3, 0, 0, 0]])


def layer(**options):
    made = NGrams(variables=2, components=3, buckets=2**16, **options)
    made.table.assign(np.random.default_rng(0).normal(size=made.table.shape))
    return made


def test_logits_are_the_sum_over_words_and_pairs():
    made, table = layer(), None
    table = made.table.numpy()
    places, there = (value.numpy() for value in made.places(TOKENS))
    own = {tuple(pair): place for pair, place in zip([(4,), (6,), (7,)], places[0], strict=False)}
    own |= dict(zip([("", 4), (4, 6), (6, 7), (7, "")], places[0, 4:], strict=True))
    assert len(set(own.values())) == 7 and there[0].tolist() == [True] * 3 + [False] + [True] * 4
    wanted = sum(table[place] for place in own.values()) / np.sqrt(7)
    np.testing.assert_allclose(made.logits({"tokens": TOKENS})[0], wanted.reshape(2, 3), rtol=1e-5)
    assert places[1, 0] == own[6,] and places[1, 4 + 1] != own[4, 6]  # a word has its row everywhere, and a pair its order


def test_padding_does_not_matter_and_hiding_is_by_the_seed():
    made = layer(hidden_share=0.5)
    whole, padded = made.logits({"tokens": TOKENS}), made.logits({"tokens": tf.pad(TOKENS, [[0, 0], [0, 3]])})
    np.testing.assert_allclose(whole, padded, rtol=1e-6)
    once, again, other = (made.logits({"tokens": TOKENS}, tf.constant(seed)) for seed in ([0, 1], [0, 1], [0, 2]))
    assert np.array_equal(once, again) and not np.array_equal(once, other) and not np.array_equal(once, whole)


def test_a_word_may_be_looked_up_with_two_before_it():
    longer, places = layer(order=3), layer().places(TOKENS)[0]
    found, there = (value.numpy() for value in longer.places(TOKENS))
    np.testing.assert_array_equal(found[:, :8], places)
    assert there[0, 8:].tolist() == [True] * 4 and there[1, 8:].tolist() == [True] * 3 + [False]
    one, other = (longer.places(tf.constant([tokens]))[0][0, -1] for tokens in ([4, 6, 7, 3], [6, 6, 7, 3]))
    assert found[0, -1] == one == other  # after the same two words
    assert len(set(found[0])) == 12


def test_words_in_no_order_have_no_pairs():
    made = layer(order=1)
    assert made.places(TOKENS)[0].shape == TOKENS.shape
    np.testing.assert_allclose(made.logits({"tokens": TOKENS[:1]}), made.logits({"tokens": tf.constant([[7, 4, 6, 3]])}), rtol=1e-5)


def test_labels_teach_the_encoder_and_the_table_together():
    vae = tfvae.create("dem_vae", corpus="demo", vocabulary_size=9, **SMALL, objective__labels="act:1", inference__kind="ngrams")
    batch = {"tokens": TOKENS, "length": tf.constant([4, 3, 1]), KEY: {"act": tf.constant([1, 2, -1])}}
    with tf.GradientTape() as tape:
        params = vae.encode(batch)
        [value] = [term.value for term in vae.auxiliaries[0].terms(vae, {**batch, "weight": tf.ones([3])}, params, None, None)]
    own = vae.latent(vae.encoder(batch))["logits"]
    np.testing.assert_allclose(params["logits"], own + vae.inference.logits(batch))
    table, bias = tape.gradient(value, [vae.inference.table, vae.latent.logits.bias])
    assert np.any(tf.convert_to_tensor(table)) and np.any(bias)
    assert any(variable is vae.inference.table for variable in vae.encoder_variables)


@pytest.mark.parametrize(("model", "corpus", "message"), [("vae", "demo", "takes no codes"), ("dem_vae", "mnist", "reads tokens alone")])
def test_it_needs_codes_and_words(model, corpus, message):
    with pytest.raises(UserError, match=message):
        tfvae.resolve(model, corpus, overrides={"inference.kind": "ngrams"})
