"""Codes by heads of their own, each on a view of the example."""

import dataclasses
import functools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.inference.head_start import HeadStart, Learner, agreeing, hide, teach
from tfvae.inference.inference import Answer, Inference
from tfvae.inference.passes import passes_over
from tfvae.layers.perceptron import AffineOfTwo, Perceptron
from tfvae.views.view import Batch, View, seen

_SHOWN = 8  # shares of codes that are said


@keras.saving.register_keras_serializable("tfvae")
class CodeHeads(Inference, keras.layers.Layer):
    """q(z|x) is what the encoder makes of a batch, q(c_j|x) what a perceptron makes of a view of it: no head reads the encoder.

    What makes z describe an example best is not what its code should tell, and codes that are read from features they share become the
    same. Heads learn before the rest does: from clusters of what the view shows, and then from the agreement of two sights of an example,
    of which one lacks features, or is a neighbour's where features are points. After that they stay as they are, unless they are trainable.

    References:
      Ji, Henriques, Vedaldi. Invariant Information Clustering for Unsupervised Image Classification and Segmentation. ICCV 2019.
      Van Gansbeke et al. SCAN: Learning to Classify Images without Labels. ECCV 2020, section 2.2 (neighbours).
    """

    def __init__(
        self,
        views: Sequence[View],
        *,
        components: int,
        hidden_dim: int = 128,
        start: Mapping[str, Any] | None = None,
        seed: int = 0,
        trainable: bool = True,
        **kwargs: Any,
    ) -> None:
        """Makes the layer.

        Args:
          views: one a variable, J.
          components: K.
          hidden_dim: units of a head's hidden layer.
          start: how heads learn, by the names of `HeadStart`.
          seed: of the initial weights, and of which features a view has left where a variable before had the same.
          trainable: whether heads go on learning with the rest.
          **kwargs: of keras.layers.Layer.
        """
        keras.layers.Layer.__init__(self, **kwargs)
        self.views, self.components, self.hidden_dim, self.seed = list(views), components, hidden_dim, seed
        self.head_start = HeadStart(**(start or {}))
        self.hidden, self.outputs, self.kept = [], [], []
        seeds = random.Random(seed)
        for number, view in enumerate(self.views):
            own: dict[str, Any] = {"seed": seeds.getrandbits(31), "dtype": "float32"}
            options: dict[str, Any] = {"units": hidden_dim, "num_layers": 1, "activation": "relu", "name": f"hidden_{number}"}
            self.hidden.append(Perceptron(view.output_dim, **options, **own))
            self.outputs.append(AffineOfTwo(components, input_dim=hidden_dim, name=f"logits_{number}", **own))
            # another code of one view reads half of its features, lest it be the first again
            repeated = any(type(view) is type(other) and view.get_config() == other.get_config() for other in self.views[:number])
            kept = np.random.default_rng(own["seed"]).random(view.output_dim) < (0.5 if repeated else 1.0)
            self.kept.append(self.add_weight(shape=(view.output_dim,), initializer="ones", trainable=False, name=f"kept_{number}"))
            self.kept[-1].assign(kept.astype(np.float32))
        self.trainable = trainable  # which is handed on to the layers that are there by now
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def __call__(self, vae: Any, batch: Batch, *, seed: tf.Tensor | None = None) -> Answer:
        """Infers: see `Inference`."""
        params = self.encoded(vae, batch, seed)
        return {**params, "logits": tf.cast(self.logits(batch), params["logits"].dtype)}, None

    def second_sight(self, vae: Any, batch: Batch, seed: tf.Tensor) -> tf.Tensor:
        """Returns logits of q(c|x), [B, J, K], where each view lacks a share of its features."""
        return self.logits(batch, seed)

    def logits(self, batch: Batch, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the logits of q(c|x), [B, J, K]; the seed is of which features are hidden, None for none."""
        answers = []
        for number in range(len(self.views)):
            features = self.features(batch, number)
            if seed is not None:
                features = hide(features, self.head_start.hidden_share, stateless.fold(seed, number))
            answers.append(self.head(number, features))
        return tf.stack(answers, axis=1)

    def features(self, batch: Batch, number: int) -> tf.Tensor:
        """Returns what a variable's code is read from, float32 [B, F]."""
        return tf.cast(self.views[number](batch), tf.float32) * tf.convert_to_tensor(self.kept[number])

    def head(self, number: int, features: tf.Tensor) -> tf.Tensor:
        """Returns the logits of a variable's code, [B, K]."""
        return self.outputs[number](self.hidden[number](features))

    def of_common_words(self, variable: int) -> bool:
        """Returns what the variable's view says."""
        return self.views[variable].of_common_words

    def example(self) -> Mapping[str, Any]:
        """Returns what the views read."""
        return {name: value for view in self.views for name, value in view.example().items()}

    def start(self, examples: Any, seed: int, say: Callable[[str], None], hints: Mapping[int, np.ndarray] | None = None) -> None:
        """Learns the views, and then the heads."""
        chosen, passes = passes_over(examples)
        for number, view in enumerate(self.views):
            began = time.monotonic()
            say(f"code {number}, by {view.name}: learned from {len(chosen):,} examples before the rest …")
            view.learn(passes)
            features = seen(functools.partial(self.features, number=number), passes)
            clusters, near = view.start(features, self.components, seed, passes)
            hinted = None if hints is None or number not in hints else hints[number][chosen]
            clusters = clusters if hinted is None else agreeing(clusters, hinted, self.components)
            variables = [*self.hidden[number].weights, *self.outputs[number].weights]
            head = lambda rows, number=number: self.head(number, rows)  # noqa: E731
            learner = Learner(head, variables, self.components, self.head_start, [seed, number])
            shares = np.sort(teach(learner, features, clusters, hinted, near))[::-1]
            used = ", ".join(f"{share:.0%}" for share in shares[:_SHOWN]) + (", …" if len(shares) > _SHOWN else "")
            say(f"code {number}, by {view.name}: components have {used} of the examples; {time.monotonic() - began:.0f} s")

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        views = [keras.saving.serialize_keras_object(view) for view in self.views]
        own = {"views": views, "components": self.components, "hidden_dim": self.hidden_dim, "seed": self.seed}
        return {**keras.layers.Layer.get_config(self), **own, "start": dataclasses.asdict(self.head_start)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "CodeHeads":
        """Makes the inference from `get_config`'s answer."""
        return cls(**{**config, "views": [keras.saving.deserialize_keras_object(view) for view in config["views"]]})
