import numpy as np
import pytest

from tfvae.data import corpora
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.topics import telling, topics, topics_of, written
from tfvae.training.fit import load


def test_the_words_that_tell_a_topic_are_frequent_in_it_and_more_so_than_in_others():
    probabilities = np.array([[0.5, 0.3, 0.15, 0.05], [0.5, 0.05, 0.1, 0.35]])
    relevance = 0.6 * np.log(probabilities) + 0.4 * np.log(probabilities / probabilities.mean(axis=0))
    np.testing.assert_array_equal(telling(probabilities, 4), 4 + np.argsort(-relevance, axis=1))
    np.testing.assert_array_equal(
        telling(probabilities, 4, 0.0), 4 + np.argsort(-np.log(probabilities / probabilities.mean(axis=0)), axis=1)
    )
    assert telling(probabilities, 2).tolist() == [[4 + 0, 4 + 1], [4 + 3, 4 + 0]]
    assert telling(np.array([[0.3, 0.3, 0.1], [0.3, 0.1, 0.3]]), 1).tolist() == [[4 + 1], [4 + 2]]
    assert telling(probabilities[:1], 2).tolist() == [[4 + 0, 4 + 1]]


@pytest.fixture
def subject(untrained, tmp_path):
    def make(model, **fields):
        run = untrained(tmp_path / "run", model, **fields)
        return Subject(load(str(run.path)), run.config(), corpora.read(run.config().data), samples=2, sentences=5)

    return make


def test_components_of_a_decoder_of_sentences_have_the_words_of_the_sentences_with_their_code(subject):
    made = subject("dem_vae")
    found = topics_of(made)
    assert (found.kind, found.names[:2]) == ("component", ["0:0", "0:1"]) and len(found.names) == 8
    codes, examples = made.posteriors.codes[:, 1], made.examples
    own = examples.tokens[np.repeat(codes == 2, examples.length)]
    counts = np.bincount(own, minlength=made.model.modality.vocabulary.size)[4:]
    np.testing.assert_allclose(found.probabilities[4 + 2], counts / max(counts.sum(), 1))


def test_dimensions_of_a_decoder_of_bags_of_words_have_words(subject):
    made = subject("vae", encoder__kind="bag_of_words", decoder__kind="bag_of_words", latent__dim=3)
    found = topics_of(made)
    assert (found.kind, found.names) == ("dimension", ["0", "1", "2"])
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert all(word in made.model.modality.vocabulary.words for topic in written(made, found.words(4)) for word in topic)


def test_where_order_says_nothing_words_are_counted_in_whole_documents(subject, monkeypatch):
    made = subject("dem_vae", encoder__kind="bag_of_words", decoder__kind="bag_of_words")
    windows = {figure.name: figure.settings.get("window") for figure in topics(made)}
    assert (windows["coherence_npmi_component"], windows["coherence_c_v_lda"], windows["coherence_u_mass_lda"]) == (10, 110, 0)
    object.__setattr__(made.corpus, "ordered", False)
    assert {figure.settings["window"] for figure in topics(made) if "window" in figure.settings} == {0}
