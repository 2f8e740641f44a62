"""The estimator, by its own tests and by scikit-learn's."""

import pickle
import unittest

import numpy as np
import pandas as pd
import pytest
import sklearn.utils.estimator_checks as checks
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_array

import tfvae
from tfvae.data import demo
from tfvae.errors import UserError

QUICK = {"inference.start_steps": 100, "inference.agreement_steps": 50, "data.batch_size": 50}
TEXTS = demo.read().train.items[:300]


@pytest.fixture(scope="module")
def fitted():
    return tfvae.TopicModel(4, n_variables=2, n_epochs=1, hidden_dim=16, settings=QUICK).fit(pd.Series(TEXTS))


def test_what_is_fitted_is_what_is_predicted(fitted):
    assert fitted.labels_.shape == (300, 2)
    np.testing.assert_array_equal(fitted.predict(np.array(TEXTS)), fitted.labels_)
    proba = fitted.predict_proba(TEXTS[:20])
    assert len(proba) == 2 and proba[0].shape == (20, 4)
    np.testing.assert_array_equal(np.stack([one.argmax(-1) for one in proba], axis=1), fitted.labels_[:20])
    places = fitted.transform(TEXTS[:20])
    assert places.shape == (20, fitted.model_.vae.latent.size)
    assert all(isinstance(text, str) for text in fitted.inverse_transform(places[:3]))
    assert fitted.score(TEXTS[:5]) < 0 and len(fitted.sample(3, topic="1:2")) == 3
    for wrong in (places[:, :2], places[0]):
        with pytest.raises(UserError, match="X must be points"):
            fitted.inverse_transform(wrong)


def test_the_same_texts_and_parameters_give_the_same_model(fitted):
    again = clone(fitted).fit(TEXTS)
    np.testing.assert_array_equal(again.labels_, fitted.labels_)
    np.testing.assert_array_equal(again.transform(TEXTS[:9]), fitted.transform(TEXTS[:9]))


def test_topics_are_a_table_and_are_edited(fitted):
    edited = pickle.loads(pickle.dumps(fitted))
    table = edited.topics()
    assert isinstance(table, pd.DataFrame) and set(table["variable"]) == {0, 1}
    first, second = sorted(table[table["variable"] == 1]["topic"][:2])
    edited.merge(f"1:{first}", f"1:{second}").rename(f"1:{first}", "both")
    assert second not in edited.labels_[:, 1] and "both" in list(edited.topics()["name"])
    np.testing.assert_array_equal(edited.predict(TEXTS), edited.labels_)
    read = edited.read(["the train was slow .", "zxcv qwer asdf"])
    assert read.codes.shape == (2, 2) and read.unlike[1] > 0.9
    assert len(np.unique(edited.reduce(2, variable=0).labels_[:, 0])) <= 2
    assert second in fitted.labels_[:, 1]  # a copy was edited


def test_fitting_goes_on_with_other_texts(fitted):
    more = pickle.loads(pickle.dumps(fitted)).rename("1:2", "kept")
    others = demo.read().train.items[300:500]
    codes = more.predict(others)
    before = more.score(others[:20])
    more.partial_fit(others)
    np.testing.assert_array_equal(more.labels_, codes)  # codes are as they were
    assert more.model_.topics.name(1, 2) == "kept" and more.score(others[:20]) > before
    assert tfvae.TopicModel(2, n_epochs=1, hidden_dim=4, settings=QUICK).partial_fit(TEXTS).labels_.shape == (300,)


def test_what_is_saved_is_loaded_and_what_is_there_is_kept(fitted, tmp_path):
    fitted.save(str(tmp_path / "saved"))
    loaded = tfvae.TopicModel.load(str(tmp_path / "saved"))
    np.testing.assert_array_equal(loaded.labels_, fitted.labels_)
    assert loaded.n_components == 4 and loaded.n_variables == 2
    np.testing.assert_array_equal(tfvae.load(str(tmp_path / "saved")).encode(TEXTS[:5])["codes"], fitted.labels_[:5])
    with pytest.raises(UserError, match="is there already"):
        fitted.save(str(tmp_path / "saved"))
    with pytest.raises(UserError, match="a run is there already"):
        tfvae.TopicModel(4, n_epochs=1, run=str(tmp_path / "saved")).fit(TEXTS)


def test_mistakes_are_named():
    with pytest.raises(NotFittedError):
        tfvae.TopicModel().predict(TEXTS)
    with pytest.raises(UserError, match=r"texts\[1\] is nan"):
        tfvae.TopicModel().fit(["a", float("nan")])
    with pytest.raises(UserError, match="too few sentences"):
        tfvae.TopicModel().fit(["a", "b"])
    with pytest.raises(UserError, match=r"latent\.components"):
        tfvae.TopicModel(0).fit(TEXTS)
    with pytest.raises(UserError, match="--model=code_va"):
        tfvae.TopicModel(model="code_va").fit(TEXTS)


class OfNumbers(tfvae.TopicModel):
    """Reads numbers as texts: scikit-learn's checks make such, and turn away from estimators that do not take them."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags

    def fit(self, X, y=None, **more):
        return super().fit(texts_of(X), y, **more)

    def partial_fit(self, X, y=None):
        return super().partial_fit(texts_of(X), y)

    def fit_predict(self, X, y=None):
        return self.fit(X, y).labels_

    def predict(self, X):
        return super().predict(texts_of(X))

    def transform(self, X):
        return super().transform(texts_of(X))

    def predict_proba(self, X):
        return super().predict_proba(texts_of(X))

    def score(self, X, y=None):
        return super().score(texts_of(X))


def texts_of(X):
    if isinstance(X, list) and X and isinstance(X[0], str):
        return X
    return [" ".join(f"f{j}v{int(np.clip(np.round(2 * v), -5, 5))}" for j, v in enumerate(row)) for row in check_array(X)]


NOT_OF_TEXTS = {
    "check_transformer_general": "wants an error where points have other features than those of training; texts have no number of features",
    "check_estimators_partial_fit_n_features": "wants an error where further points have other features; texts have no number of features",
    "check_clustering": "wants three clouds of fifty points found, whatever the parameters; there are two codes here, of rounded numbers",
    "check_fit2d_1sample": "wants the word sample in the message that one is too few; it says sentences",
}
"""The checks that do not apply, and why."""
ALONE = {
    *("check_estimator_cloneable", "check_estimator_tags_renamed", "check_valid_tag_types", "check_estimator_repr"),
    *("check_no_attributes_set_in_init", "check_do_not_raise_errors_in_init_or_set_params", "check_mixin_order", "check_set_params"),
    *("check_estimators_unfitted", "check_transformers_unfitted", "check_parameters_default_constructible", "check_get_params_invariance"),
    *("check_transformer_n_iter", "check_clusterer_compute_labels_predict"),
    "check_n_features_in_after_fitting",
}
"""Those that train nothing."""
TRAINED = ("check_dict_unchanged", "check_fit_check_is_fitted")
"""Those that train, and are run every time."""
SETTINGS = {"inference.start_steps": 2, "inference.agreement_steps": 2, "latent.dim": 2}
FOUND = checks.estimator_checks_generator(OfNumbers(2, n_epochs=1, hidden_dim=4, settings=SETTINGS))


def listed():
    for estimator, check in FOUND:
        name = getattr(check, "func", check).__name__
        marks = [pytest.mark.skip(reason=NOT_OF_TEXTS[name])] if name in NOT_OF_TEXTS else []
        marks += [] if name in ALONE or name in TRAINED else [pytest.mark.slow]
        yield pytest.param(estimator, check, marks=marks, id=name)


@pytest.mark.parametrize(("estimator", "check"), list(listed()))
def test_scikit_learn_s_checks_hold(estimator, check):
    try:
        check(estimator)
    except unittest.SkipTest as reason:
        pytest.skip(str(reason))
