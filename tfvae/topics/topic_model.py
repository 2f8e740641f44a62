"""A scikit-learn estimator: texts in, codes, points, tables and texts out."""

import base64
import pathlib
import shutil
import tempfile
import weakref
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tfvae.config import Config
from tfvae.data.columns import strings
from tfvae.data.tables import read_texts
from tfvae.errors import UserError
from tfvae.models.model import Model
from tfvae.progress import no_progress, progress
from tfvae.registry import resolve
from tfvae.topics.workbench import Reading, Workbench
from tfvae.training.contents import KEPT_FEATURES, KEPT_TEXTS
from tfvae.training.fit import fit, load

_KEPT = (
    *("config.json", "vocabulary.txt", "features.json", "model.weights.h5", "metrics.jsonl", "topics.json", "labels.json"),
    *(KEPT_TEXTS, KEPT_FEATURES),
)
"""Files of a run that say all that a fitted estimator knows."""
_SAMPLES = 50  # of a likelihood


class TopicModel(TransformerMixin, ClusterMixin, BaseEstimator):
    """A variational auto-encoder of texts as scikit-learn has estimators: every text has a code a variable, and a place in a space.

    There are no outliers, `predict` of the training texts is `labels_`, and the same texts and parameters give the same model. X is
    always a column of texts: a list or another iterable of strings, an array, a column of pandas, pyarrow or polars, or a dataset.

    Args:
      n_components: codes K of a variable; those that find no texts stay empty.
      n_variables: variables J: 1 has a code for what texts are about, 2 one for how they are said and one for what they are about.
      views: what codes are read from, such as "words", "form" or "content", with commas between; empty: what suits the variables.
      n_epochs: passes over the texts at most; training stops before when validation texts gain nothing.
      hidden_dim: units of the networks.
      random_state: a seed; all is a function of it and of the texts.
      model: a name of `tfvae.registry.MODELS`.
      settings: further fields of the configuration by their path, such as {"data.lowercase": True}.
      run: the run directory; empty: a temporary one, which goes with the estimator.
      overwrite: whether a run that is there is replaced.
      verbose: whether training prints what it does, and long loops show how far they are.

    Attributes:
      labels_: codes of the training texts, int [N], or [N, J] of several variables.
      model_: the trained `tfvae.Model`.
      run_: its run directory.
    """

    def __init__(
        self,
        n_components: int = 8,
        *,
        n_variables: int = 1,
        views: str = "",
        n_epochs: int = 10,
        hidden_dim: int = 128,
        random_state: int = 0,
        model: str = "code_vae",
        settings: dict[str, Any] | None = None,
        run: str = "",
        overwrite: bool = False,
        verbose: bool = False,
    ) -> None:
        """Keeps the parameters."""
        self.n_components, self.n_variables, self.views = n_components, n_variables, views
        self.n_epochs, self.hidden_dim, self.random_state = n_epochs, hidden_dim, random_state
        self.model, self.settings, self.run, self.overwrite, self.verbose = model, settings, run, overwrite, verbose

    def config(self) -> Config:
        """Returns the configuration that the parameters stand for.

        Raises:
          UserError: a parameter is not admitted, or means nothing for the model.
        """
        sizes = {"encoder.embedding_dim": self.hidden_dim // 2, "encoder.hidden_dim": self.hidden_dim}
        sizes |= {"decoder.embedding_dim": self.hidden_dim, "decoder.hidden_dim": self.hidden_dim}
        named: dict[str, Any] = {"latent.components": self.n_components, "latent.variables": self.n_variables}
        named |= {"training.epochs": self.n_epochs, "training.seed": self.random_state}
        named |= {"inference.views": self.views} if self.views else {}
        return resolve(self.model, "text", overrides=named | (self.settings or {}), base=sizes)

    def fit(self, X: Any, y: Any = None, *, features: Any = None) -> "TopicModel":
        """Trains on texts.

        Args:
          X: N texts.
          y: labels, or several by name; kept beside, so that `tfvae-evaluate` can hold codes against them, and not trained on.
          features: of the texts, numbers [N, F], such as sentence embeddings: codes and places are then read from them, here and in all
            other methods, where X is a pair (texts, features) unless the texts are those of training.

        Raises:
          UserError: the texts or a parameter do not do.
        """
        texts = strings(X)
        self._release()
        folder = self.run or self._temporary()
        model, run = fit(
            self.config(),
            folder,
            texts=texts,
            labels=y,
            features=features,
            overwrite=self.overwrite or not self.run,
            bar=self.verbose,
            say=self._say,
        )
        self._take(model, str(run.path), texts)
        return self

    def partial_fit(self, X: Any, y: Any = None, *, features: Any = None) -> "TopicModel":
        """Goes on with other texts: words, codes and their names stay as they are, the rest learns.

        Words that the first texts did not have stay unknown. `labels_` are those of these texts.

        Args:
          X: N texts.
          y: as of `fit`.
          features: as of `fit`.

        Raises:
          UserError: as `fit`.
        """
        if not hasattr(self, "model_"):
            return self.fit(X, y, features=features)
        texts, topics = strings(X), self.model_.topics
        config = self.config()
        config.data.vocabulary, config.training.init_from = self.run_, self.run_
        config.training.init_parts = "encoder,latent,decoder,inference"
        config.objective.schedule.kind = "constant"  # regularisers have their weight already
        before = self.__dict__.pop("_cleanup", None)
        _, run = fit(config, self._temporary(), texts=texts, labels=y, features=features, bar=self.verbose, say=self._say)
        topics.save(run.path)
        self._take(load(str(run.path)), str(run.path), texts)
        if before is not None:
            before()
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Returns posterior means, [N, size]: where texts lie in the latent space."""
        return self._encode(X)["mean"]

    def predict(self, X: Any) -> np.ndarray:
        """Returns codes, int [N], or [N, J] of several variables."""
        codes = self._encode(X)["codes"]
        return codes[:, 0] if codes.shape[1] == 1 else codes

    def fit_predict(self, X: Any, y: Any = None, **more: Any) -> np.ndarray:
        """Trains on texts and returns their codes; see `fit`."""
        return self.fit(X, y, **more).labels_

    def predict_proba(self, X: Any) -> Any:
        """Returns probabilities of codes, [N, K], or J such of several variables."""
        probabilities = self._encode(X)["probabilities"]
        return probabilities[:, 0] if probabilities.shape[1] == 1 else list(np.moveaxis(probabilities, 1, 0))

    def inverse_transform(self, X: Any) -> list[str]:
        """Returns the texts that the decoder writes, greedily, of points [N, size]."""
        check_is_fitted(self, "model_")
        points = np.asarray(X, np.float32)
        if points.ndim != 2 or points.shape[1] != self.model_.vae.latent.size:
            raise UserError(f"X must be points [N, {self.model_.vae.latent.size}], as transform returns them; this is {list(points.shape)}")
        return self.model_.decode(points, method="greedy")

    def score(self, X: Any, y: Any = None) -> float:
        """Returns the mean log-likelihood of texts, nats, by 50 importance-weighted samples each: higher is better."""
        check_is_fitted(self, "model_")
        scores = self.model_.score(X, samples=_SAMPLES)
        return float(scores.get("log_likelihood", scores["elbo"]).mean())

    def sample(self, n_samples: int = 1, *, topic: str = "", random_state: int = 0, **decoding: Any) -> list[str]:
        """Returns texts from the prior, or of a topic, written j:k or by its name; see `Model.generate` for how words are chosen."""
        check_is_fitted(self, "model_")
        return self.model_.generate(n_samples, component=topic or None, seed=random_state, **decoding)[0]

    def topics(self, *, stop_words: str = "", split: str = "train") -> Any:
        """Returns a table of topics, a row each: names, shares, words, examples, generated texts (`tfvae.topics.table.COLUMNS`).

        Args:
          stop_words: words that are not shown as telling: "english", "none" or a file; by default English ones, but for codes of form.
          split: whose texts are counted: train, valid or test.

        Returns:
          a DataFrame where pandas is installed, else a list of dictionaries.
        """
        rows = self.workbench(split).table(stop_words=stop_words)
        try:
            import pandas
        except ImportError:
            return rows
        return pandas.DataFrame(rows)

    def read(self, X: Any) -> Reading:
        """Returns topics of texts with their names and probabilities, and how unlike the model's own texts they are."""
        return self.workbench().read(X)

    def merge(self, *topics: str) -> "TopicModel":
        """Makes topics of one variable, written j:k or by their names, count as one; the weights stay."""
        return self._edited(lambda bench: bench.merge(topics))

    def rename(self, topic: str, name: str) -> "TopicModel":
        """Gives a topic a name."""
        return self._edited(lambda bench: bench.rename(topic, name))

    def reduce(self, count: int, variable: int = 0) -> "TopicModel":
        """Merges the most alike topics of a variable until there are `count`."""
        return self._edited(lambda bench: bench.reduce(variable, count))

    def workbench(self, split: str = "train") -> Workbench:
        """Returns what topics are edited, drawn and held against other texts with."""
        check_is_fitted(self, "model_")
        if split not in self._benches:
            self._benches[split] = Workbench(self.run_, split=split, progress=progress if self.verbose else no_progress)
        return self._benches[split]

    def save(self, path: str) -> None:
        """Copies the run, from which `load` and every command can go on, into a folder that is not there yet.

        Raises:
          UserError: it is there.
        """
        check_is_fitted(self, "model_")
        if pathlib.Path(path).exists():
            raise UserError(f"{path} is there already: name another folder")
        shutil.copytree(self.run_, path)

    @classmethod
    def load(cls, path: str) -> "TopicModel":
        """Returns the estimator of a run directory, whoever trained it.

        Raises:
          UserError: there is no trained run with codes.
        """
        bench = Workbench(path)
        config = bench.subject.config
        made = cls(
            config.latent.components,
            n_variables=config.latent.variables,
            views=config.inference.views,
            n_epochs=config.training.epochs,
            hidden_dim=config.decoder.hidden_dim,
            random_state=config.training.seed,
            model=config.model,
            run=path,
        )
        kept = pathlib.Path(path) / KEPT_TEXTS
        made._take(bench.model, path, list(read_texts(str(kept), "jsonl").texts if kept.exists() else bench.subject.corpus.train.items))
        made._benches["train"] = bench
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Returns the parameters, and the files of the run."""
        state = {
            name: value
            for name, value in super().__getstate__().items()
            if name not in ("model_", "run_", "labels_", "_benches", "_cleanup")
        }
        if hasattr(self, "run_"):
            files = {name: pathlib.Path(self.run_) / name for name in _KEPT}
            state["_files"] = {name: base64.b85encode(file.read_bytes()) for name, file in files.items() if file.exists()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Writes the files into a temporary run."""
        files = state.pop("_files", None)
        super().__setstate__(state)
        if files is not None:
            folder = pathlib.Path(self._temporary())
            folder.mkdir()
            for name, content in files.items():
                (folder / name).write_bytes(base64.b85decode(content))
            self._take(load(str(folder)), str(folder), self._texts)

    def __sklearn_tags__(self) -> Any:
        """Says that texts are read, one-dimensional."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False, True
        tags.transformer_tags.preserves_dtype, tags.no_validation = [], True
        return tags

    def _encode(self, X: Any) -> dict[str, np.ndarray]:
        check_is_fitted(self, "model_")
        return self.model_.encode(X)

    def _edited(self, edit: Any) -> "TopicModel":
        bench = self.workbench()
        edit(bench)
        self._take(bench.model, self.run_, self._texts)
        self._benches["train"] = bench
        return self

    def _take(self, model: Model, run: str, texts: list[str]) -> None:
        """Becomes a fitted estimator."""
        self.model_, self.run_, self._texts = model, run, texts
        self._benches: dict[str, Workbench] = {}
        self.labels_ = self.predict(texts)

    def _temporary(self) -> str:
        """Names a run in a folder that goes with the estimator."""
        folder = tempfile.mkdtemp(prefix="tfvae-")
        self._cleanup = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return f"{folder}/run"

    def _release(self) -> None:
        cleanup = self.__dict__.pop("_cleanup", None)
        if cleanup is not None:
            cleanup()

    def _say(self, message: str) -> None:
        if self.verbose:
            print(message, flush=True)
