"""Penn Treebank in Mikolov's preprocessing: 10,000 words, rare ones `<unk>`, numbers `N`, one sentence a line.

References:
  Mikolov et al., Recurrent neural network based language model, Interspeech 2010.
"""

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.files import WHITE_SPACE, corpus_folder, find_file, read_lines

_ADVICE = (
    "get Mikolov's Penn Treebank (ptb.train.txt, ptb.valid.txt and ptb.test.txt, in the folder data of simple-examples.tgz) "
    "and name its folder in config.data.dir, or make it $TFVAE_DATA_DIR/ptb"
)


def read(data: DataConfig) -> Corpus:
    """Reads the three files, train.txt, valid.txt and test.txt or ptb.train.txt and so on.

    Args:
      data: `dir` is their folder; empty: $TFVAE_DATA_DIR/ptb.

    Raises:
      UserError: the folder or a file is missing or cannot be read.
    """
    folder = corpus_folder(data, advice=_ADVICE)
    train, valid, test = (_read_split(folder, name, data.limit) for name in SPLITS)
    return Corpus("ptb", train, valid, test)


def _read_split(folder: str, name: str, most: int) -> Split:
    path = find_file(folder, [f"{name}.txt", f"ptb.{name}.txt"], advice=_ADVICE)
    lines, numbers = read_lines(path, most=most)
    return Split([line.strip(WHITE_SPACE) for line in lines], {}, path, numbers)
