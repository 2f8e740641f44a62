"""Omniglot: 1,623 handwritten characters of 50 alphabets, each by 20 people, at 28x28 grey pixels.

References:
  Lake, Salakhutdinov, Tenenbaum. Human-level Concept Learning through Probabilistic Program Induction. Science 350, 2015.
  Burda, Grosse, Salakhutdinov. Importance Weighted Autoencoders. ICLR 2016.
"""

import dataclasses

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus
from tfvae.data.files import corpus_folder, find_file
from tfvae.data.npz import read_images

_CHARACTERS = {"background": 964, "evaluation": 659}
_ADVICE = (
    "scripts/prepare_data.py --corpus=omniglot says how omniglot_28x28.npz is made; name its folder in config.data.dir, "
    "or make it $TFVAE_DATA_DIR/omniglot"
)


def read(data: DataConfig) -> Corpus:
    """Reads omniglot_28x28.npz: x_background, y_background, x_evaluation and y_evaluation.

    The test split is the evaluation set of Lake et al., 13,180 drawings in 20 alphabets. Validation is a share `valid_fraction` of the
    19,280 drawings of the background set's 30 alphabets, 1,928 of them, drawn by `split_seed` whatever their characters, so that it
    resembles training. Burda et al. divide the same drawings otherwise, 24,345 to train on and 8,070 to test, without regard to the two
    sets, and shrink them otherwise: likelihoods on theirs and on these do not compare.

    Args:
      data: `dir` is the file's folder; empty: $TFVAE_DATA_DIR/omniglot. `valid_fraction` and `split_seed` say what validates.

    Returns:
      A corpus of images, uint8 [N, 28, 28], 0 the paper and 255 the ink, with the label "character". One numbering serves all splits,
      the characters of the background set first. No character of the test split is in the other two: a classifier of characters
      cannot be learnt on one and tested on the other. A name is the set and the number in it, as in "evaluation 0".

    Raises:
      UserError: the file is missing or cannot be read, or its arrays are not those of Omniglot.
    """
    path = find_file(corpus_folder(data, advice=_ADVICE), ["omniglot_28x28.npz"], advice=_ADVICE)
    parts = read_images(path, _CHARACTERS, "character", advice=_ADVICE)
    test = parts["evaluation"]
    test = dataclasses.replace(test, labels={"character": test.labels["character"] + _CHARACTERS["background"]})
    valid, train = parts["background"].hold_out(data.valid_fraction, data.split_seed)
    names = [f"{part} {number}" for part, count in _CHARACTERS.items() for number in range(count)]
    return Corpus("omniglot", train, valid, test, {"character": names})
