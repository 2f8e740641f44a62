"""Word vectors that others have trained, to begin with."""

import io
import os
from collections.abc import Iterator

import numpy as np

from tfvae.errors import UserError
from tfvae.layers.word_counts import FIRST
from tfvae.modalities.words import Words
from tfvae.models.model import Model
from tfvae.opening import opened


def begin_with_vectors(model: Model, path: str) -> str:
    """Gives the words of a model's tables of embeddings the vectors of a file, scaled to the spread that the tables have.

    Args:
      model: to be trained.
      path: a text file, plain or .gz, of a word and its numbers a line, as GloVe and fastText write them; fastText's first line is passed
        over.

    Returns:
      how many words have a vector, in words.

    Raises:
      UserError: the file cannot be read, has none of the words, or has vectors of a size that no table has.
    """
    modality = model.modality
    if not isinstance(modality, Words):
        raise UserError(f"--embeddings: this corpus has {modality.name}, and vectors are of words")
    places = {word: number for number, word in enumerate(modality.vocabulary.words, FIRST)}
    found = {places[word]: vector for word, vector in read_vectors(path, "check --embeddings") if word in places}
    if not found:
        raise UserError(f"{path}: none of the {len(places):,} words of the corpus is there: is it of another language, or of another case?")
    vectors = np.stack(list(found.values()))
    spread = vectors.std()
    scaled = (vectors - vectors.mean(axis=0)) / (spread if spread > 0 else 1.0)
    tables = [
        weight
        for part in (model.vae.encoder, model.vae.decoder)
        for weight in part.weights
        if "embedding" in weight.name and tuple(weight.shape) == (modality.vocabulary.size, vectors.shape[1])
    ]
    if not tables:
        size = vectors.shape[1]
        raise UserError(
            f"{path}: vectors of {size} numbers, and no table of the model has such: --config.encoder.embedding_dim={size}, or "
            f"--config.decoder.embedding_dim={size} --config.decoder.tied_embeddings=false"
        )
    for table in tables:
        values = table.numpy()
        values[list(found)] = scaled * values.std()
        table.assign(values)
    return f"{len(found):,} of {len(places):,} words begin with vectors of {os.path.basename(path)}"


def read_vectors(path: str, advice: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the words of a file with their vectors, [D] each.

    Args:
      path: as of `begin_with_vectors`.
      advice: what to do when the file does not exist, for the message.

    Raises:
      UserError: the file cannot be read, or a line is no word with numbers, as many as on other lines.
    """
    size = 0
    with opened(path, advice) as raw, io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            word, _, rest = line.rstrip("\r\n ").partition(" ")
            numbers = rest.split(" ")
            if number == 1 and len(numbers) == 1 and word.isdecimal():
                continue  # how many there are, and their size
            if size and len(numbers) != size:
                numbers = numbers[-size:]  # a word with spaces in it, as a few of GloVe's have
            try:
                with np.errstate(over="ignore"):  # what is too large is told below
                    vector = np.array(numbers, np.float32)
            except ValueError:
                raise UserError(f"{path}:{number}: a word and its numbers are wanted, as in GloVe's or fastText's .vec files") from None
            size = size or len(vector)
            if len(vector) != size or not np.isfinite(vector).all():
                raise UserError(f"{path}:{number}: {len(vector)} numbers, and the lines before have {size}, all finite")
            yield word, vector
