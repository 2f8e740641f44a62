"""What papers print, under the names that figures have here; nothing is converted but the averaging that a comment names."""

import dataclasses
from collections.abc import Mapping

from tfvae.config import Config
from tfvae.registry import MODELS


@dataclasses.dataclass(frozen=True)
class Published:
    """A row of a paper's table.

    Attributes:
      model: as the paper calls it.
      values: figures by name.
      source: the paper and its table.
    """

    model: str
    values: Mapping[str, float]
    source: str

    def cell(self, figure: str) -> str:
        """Returns the value as it is printed; "" where the paper has none."""
        return f"{self.values[figure]:g}" if figure in self.values else ""


_DEM = "Shi et al. 2020, table 1"
_DEM_COLUMNS = (
    "reverse_perplexity_awd_lstm",
    "bleu",
    "word_kl_greedy",
    "nll_iw",
    "kl_z",
    "kl_c",
    "natural_variance",
    "mutual_information_c_mean",
)
_SKIP_COLUMNS = ("kl_z", "mutual_information_z", "active_units")
_DIALOG = "Shi et al. 2020, table 2"


def _dem(model: str, *values: float | None) -> Published:
    # L_mi is printed averaged over the discrete variables (their footnote 5), as mutual_information_c_mean is; sentences are greedy
    return Published(model, {name: value for name, value in zip(_DEM_COLUMNS, values, strict=True) if value is not None}, _DEM)


def _skip(model: str, perplexity: float, elbo: float | None = None, *values: float) -> Published:
    found = {"perplexity_iw": perplexity} if elbo is None else {"perplexity_iw": perplexity, "nll_bound": -elbo}
    # their MI is KL(z) less the divergence of the aggregate posterior from the prior
    return Published(model, found | dict(zip(_SKIP_COLUMNS, values, strict=False)), "Dieng et al. 2019, table 4")


def _dialog(model: str, information: float, bleu: float, act: float, emotion: float) -> Published:
    values = {
        "mutual_information_c_mean": information,
        "bleu": bleu,
        "homogeneity[act, joint]": act,
        "homogeneity[emotion, joint]": emotion,
    }
    return Published(model, values, _DIALOG)


def _image(model: str, elbo: float, kl: float, information: float, units: float, table: int) -> Published:
    values = {"nll_bound": -elbo, "kl_z": kl, "mutual_information_z": information, "active_units": units}
    return Published(model, values, f"Dieng et al. 2019, table {table}")


COUNTERPARTS: Mapping[str, str] = {
    "rnn_lm": "RNN-LM",
    "ae": "AE",
    "vae": "VAE",
    "gm_vae": "GM-VAE",
    "dgm_vae": "DGM-VAE",
    "dem_vae": "DGM-VAE + L_mi",
    "vmf_vae": "vMF-VAE",
    "dae": "DAE",
    "dvae": "DVAE",
    "di_vae": "DI-VAE",
    "semi_vae": "semi-VAE",
}
"""The papers' names of the models that they are nearest to; `dem_vae` has a skip decoder beside."""
INFORMED = " + L_mi"
"""Ends their names of models to which the term of mutual information was added."""

PUBLISHED: Mapping[str, tuple[Published, ...]] = {
    "ptb": (
        _dem("RNN-LM", None, None, None, 101.21, None, None, None, None),
        _dem("AE", 730.81, 10.88, 0.58, None, None, None, None, None),
        _dem("VAE", 686.18, 3.12, 0.50, 100.85, 5.76, None, None, None),
        _dem("DAE", 797.17, 3.93, 0.58, None, None, None, None, None),
        _dem("DVAE", 744.07, 1.56, 0.55, 101.07, None, 3.87, None, 0.17),
        _dem("DI-VAE", 310.29, 4.53, 0.24, 108.90, None, 24.78, None, 1.14),
        _dem("semi-VAE", 494.52, 2.71, 0.43, 100.67, 4.96, 1.96, None, 0.09),
        _dem("semi-VAE + L_mi", 260.28, 5.08, 0.20, 107.30, 0.045, 24.04, None, 1.12),
        _dem("GM-VAE", 983.50, 2.34, 0.72, 99.44, 3.41, 0.00, 0.001, 0.00),
        _dem("GM-VAE + L_mi", 287.07, 6.26, 0.25, 103.16, 9.13, 28.38, 13.10, 1.30),
        _dem("DGM-VAE", 257.68, 8.17, 0.19, 104.26, 41.48, 4.76, 787.03, 0.22),
        _dem("DGM-VAE + L_mi", 247.37, 8.67, 0.18, 105.73, 25.48, 19.73, 203.34, 0.91),
        Published("test set", {"word_kl_greedy": 0.14}, _DEM),
        Published("vMF-VAE", {"perplexity_bound_without_eos": 98.0}, "Xu and Durrett 2018, standard setting"),
    ),
    "yahoo": (
        _skip("LSTM LM", 61.60),
        _skip("vae, 32 dimensions", 62.38, -330.1, 0.005, 0.002, 0),
        _skip("skip-vae, 32 dimensions", 61.71, -330.5, 0.34, 0.31, 1),
        _skip("sa-vae, 32 dimensions", 59.85, -327.5, 5.47, 4.98, 14),
        _skip("skip-sa-vae, 32 dimensions", 60.87, -330.3, 15.05, 7.47, 32),
        _skip("sa-vae, 64 dimensions", 60.20, -327.3, 3.09, 2.95, 10),
        _skip("skip-sa-vae, 64 dimensions", 60.55, -330.8, 22.54, 9.15, 64),
    ),
    "20ng": (Published("vMF-VAE", {"perplexity_bound": 793.0}, "Xu and Durrett 2018, document model"),),
    "mnist": (
        _image("vae, PixelCNN, 20 dimensions", -83.06, 7.14, 6.55, 8, 1),
        _image("skip-vae, PixelCNN, 20 dimensions", -82.55, 9.33, 7.80, 13, 1),
        _image("vae, PixelCNN, 50 dimensions", -83.31, 6.22, 5.81, 8, 1),
        _image("skip-vae, PixelCNN, 50 dimensions", -82.58, 8.67, 7.49, 12, 1),
        _image("vae, perceptrons of 2 layers", -94.88, 24.23, 9.21, 17, 3),
        _image("skip-vae, perceptrons of 2 layers", -94.80, 26.35, 9.20, 24, 3),
        _image("vae, perceptrons of 3 layers", -95.38, 21.87, 9.20, 13, 3),
        _image("skip-vae, perceptrons of 3 layers", -94.17, 26.15, 9.21, 21, 3),
        _image("vae, perceptrons of 4 layers", -97.09, 20.95, 9.21, 11, 3),
        _image("skip-vae, perceptrons of 4 layers", -93.79, 25.63, 9.21, 21, 3),
    ),
    "omniglot": (
        _image("vae, PixelCNN of 9 layers", -92.79, 4.41, 4.24, 11, 2),
        _image("skip-vae, PixelCNN of 9 layers", -92.61, 6.12, 5.65, 20, 2),
    ),
    "daily_dialog": (
        _dialog("DI-VAE", 1.20, 3.05, 0.18, 0.09),
        _dialog("semi-VAE", 0.03, 4.06, 0.02, 0.08),
        _dialog("semi-VAE + L_mi", 1.21, 3.69, 0.21, 0.14),
        _dialog("GM-VAE", 0.00, 2.03, 0.08, 0.02),
        _dialog("GM-VAE + L_mi", 1.41, 2.96, 0.19, 0.09),
        _dialog("DGM-VAE", 0.53, 7.63, 0.11, 0.09),
        _dialog("DGM-VAE + L_mi", 1.32, 7.39, 0.23, 0.16),
    ),
}
"""Rows by corpus, in the papers' order.

Shi et al. cut Penn Treebank's sentences to 40 tokens, trained a model with 20 posterior samples, and print most NLLs as upper bounds.
Xu and Durrett's perplexity is of the mean of three samples, and does not count ends of sentences. Dieng et al. estimate perplexity with
200 samples; their Omniglot is another down-sampling than this project's, and their I(x; z) of images is at most log 10,000 = 9.21. The
perplexity of Xu and Durrett's document model was read in a list of results; it is of the mean of three samples, and its epoch was selected
on documents of the test split.
"""


def informed(config: Config) -> bool:
    """Whether the term of mutual information was added to a model that goes without by itself."""
    return bool(config.objective.mi_weight) and "objective.mi_weight" not in MODELS[config.model].settings


def counterpart(config: Config) -> Published | None:
    """Returns the papers' row of the nearest model, with or without the term of mutual information; None where there is none."""
    rows, name = {row.model: row for row in PUBLISHED.get(config.data.name, ())}, COUNTERPARTS.get(config.model, "")
    return rows.get(f"{name}{INFORMED}" if informed(config) else name, rows.get(name))
