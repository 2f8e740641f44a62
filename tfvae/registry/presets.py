"""How papers optimised, whatever the model: optimiser, batches, learning-rate decay and the KL's schedule."""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Adam 1e-3, clipped at .5, decayed by .8 after 3 epochs without improvement: the defaults (Shi et al. 2020).
    "": {},
    # The setting for PTB. A learning rate of 10 falls by 1.2 after each epoch without improvement, 15 times.
    "vmf_vae": {
        "data.batch_size": 20,
        "training.optimizer": "sgd",
        "training.learning_rate": 10.0,
        "training.clip_norm": 0.25,
        "training.epochs": 100,
        "training.min_improvement": 0.0,
        "training.patience": 0,
        "training.lr_patience": 1,
        "training.lr_decay": 1 / 1.2,
        "training.min_learning_rate": 10 / 1.2**14.5,
    },
    # The setting for Yahoo, which Skip-VAE took over. Once validation fails to improve after epoch 15, the rate halves every epoch.
    "sa_vae": {
        "data.batch_size": 32,
        "training.optimizer": "sgd",
        "training.learning_rate": 1.0,
        "training.clip_norm": 5.0,
        "training.epochs": 30,
        "training.min_improvement": 0.0,
        "training.patience": 0,
        "training.lr_wait": 15,
        "training.lr_patience": 1,
        "training.lr_keep_falling": True,
        "training.lr_decay": 0.5,
        "training.min_learning_rate": 0.03,
        "encoder.dropout": 0.5,
        "decoder.dropout": 0.5,
        "objective.schedule.kind": "linear",
        "objective.schedule.start": 0.1,
        "objective.schedule.epochs": 10,
    },
}
