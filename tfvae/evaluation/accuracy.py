"""The share of examples whose class a classifier says."""

import numpy as np

from tfvae.evaluation.figure import Figure


def accuracy(name: str, right: np.ndarray, estimator: str, label: str, fitted_to: int) -> Figure:
    """Returns the share of examples that are right, bool [N], with its standard error.

    Args:
      name: of the classifier.
      right: which examples are.
      estimator: what it is.
      label: the label's name.
      fitted_to: how many training examples it has seen.
    """
    share = float(np.mean(right))
    error = float(np.sqrt(share * (1 - share) / len(right)))
    return Figure(f"accuracy_{name}", share, error, "share", estimator, {"label": label, "fitted_to": fitted_to})


def no_accuracy(name: str, why: str, label: str, fitted_to: int) -> Figure:
    """Returns the figure of a classifier that cannot be."""
    return Figure(f"accuracy_{name}", None, estimator=why, settings={"label": label, "fitted_to": fitted_to})


def nothing_to_learn(train_truth: np.ndarray, truth: np.ndarray) -> str:
    """Returns why classes [N] of a split cannot be predicted by what is fitted to those of training, [M]; "" where they can."""
    if len(np.unique(train_truth)) < 2:
        return "training texts have one class, so there is nothing to learn"
    return "" if np.isin(truth, train_truth).any() else "no class of the split is in training"
