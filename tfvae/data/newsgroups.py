"""20 Newsgroups as bags of words: postings to Usenet, of each the number of times that 2,000 words occur in it.

References:
  Lang. NewsWeeder: Learning to Filter Netnews. ICML 1995.
  Miao, Yu, Blunsom. Neural Variational Inference for Text Processing. ICML 2016.
  Xu, Durrett. Spherical Latent Spaces for Stable Variational Autoencoders. EMNLP 2018.
"""

import re
from collections.abc import Sequence

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus, Split
from tfvae.data.files import corpus_folder, find_file, read_lines
from tfvae.errors import UserError

# The files number the groups; that the numbers are those of the names in order is seen by the sizes of the groups and by their words.
_GROUPS = (
    "alt.atheism",
    "comp.graphics",
    "comp.os.ms-windows.misc",
    "comp.sys.ibm.pc.hardware",
    "comp.sys.mac.hardware",
    "comp.windows.x",
    "misc.forsale",
    "rec.autos",
    "rec.motorcycles",
    "rec.sport.baseball",
    "rec.sport.hockey",
    "sci.crypt",
    "sci.electronics",
    "sci.med",
    "sci.space",
    "soc.religion.christian",
    "talk.politics.guns",
    "talk.politics.mideast",
    "talk.politics.misc",
    "talk.religion.misc",
)
_LONGEST = 1_000_000  # words of a document; the longest of the corpus has some thousands
_NUMBER = "[1-9][0-9]{0,5}"
_LABEL, _PAIR, _WORD = (re.compile(pattern) for pattern in (_NUMBER, f"({_NUMBER}):({_NUMBER})", r"(\S+)\s+[0-9]+"))
_ADVICE = (
    "get data/20ng.zip of github.com/jiacheng-xu/vmf_vae_nlp and name the folder of its train.feat, test.feat and vocab.new "
    "in config.data.dir, or make it $TFVAE_DATA_DIR/20ng"
)
_MEND = "mend the line, or get the file again"


def read(data: DataConfig) -> Corpus:
    """Reads vocab.new, a line `word frequency` for each word, and train.feat and test.feat, a line `group word:count …` a document.

    Validation is a share `valid_fraction` of train.feat, drawn by `split_seed`: 1,126 of 11,268 documents. (The code of Xu and Durrett
    selects by documents of the test split.) All 7,505 documents of test.feat are tested.

    Args:
      data: `dir` is the files' folder; empty: $TFVAE_DATA_DIR/20ng. `valid_fraction` and `split_seed` say what validates.

    Returns:
      A corpus with the label "newsgroup" and the words of vocab.new. A document is its words in the order of vocab.new, each as often
      as it occurs: where it stood in the posting is not known, so the order carries nothing.

    Raises:
      UserError: a file is missing, cannot be read or is not built as expected.
    """
    folder = corpus_folder(data, advice=_ADVICE)
    paths = [find_file(folder, [name], advice=_ADVICE) for name in ("train.feat", "test.feat", "vocab.new")]
    words = _read_words(paths[2])
    documents, test = (_read_split(path, words) for path in paths[:2])
    if len(documents) < 2:
        raise UserError(f"{paths[0]}: one document, and validation takes one; {_ADVICE}")
    valid, train = documents.hold_out(data.valid_fraction, data.split_seed)
    return Corpus("20ng", train, valid, test, {"newsgroup": _GROUPS}, words, ordered=False)


def _read_words(path: str) -> list[str]:
    lines, numbers = read_lines(path)
    seen: dict[str, int] = {}
    for i, (line, number) in enumerate(zip(lines, numbers, strict=True), 1):
        if number != i:
            raise UserError(f"{path}:{i}: a blank line, and a word's number is its line's; {_MEND}")
        if not (match := _WORD.fullmatch(line.strip())):
            raise UserError(f"{path}:{i}: {line[:40]!r} is no word and its frequency; {_MEND}")
        if (first := seen.setdefault(match[1], i)) != i:
            raise UserError(f"{path}:{i}: the word {match[1]!r} is on line {first} already; {_MEND}")
    return list(seen)


def _read_split(path: str, words: Sequence[str]) -> Split:
    lines, numbers = read_lines(path)
    texts, groups = [], []
    for line, number in zip(lines, numbers, strict=True):
        group, *pairs = line.split()
        if not (_LABEL.fullmatch(group) and int(group) <= len(_GROUPS)):
            raise UserError(f"{path}:{number}: {group[:40]!r} is no newsgroup, a number from 1 to {len(_GROUPS)}; {_MEND}")
        if not pairs:
            raise UserError(f"{path}:{number}: a document without words; give it some, or delete the line")
        groups.append(int(group) - 1)
        counts = _counts(pairs, len(words), f"{path}:{number}")
        texts.append(" ".join(words[word - 1] for word in sorted(counts) for _ in range(counts[word])))
    return Split(texts, {"newsgroup": np.array(groups, np.int32)}, path, numbers)


def _counts(pairs: Sequence[str], size: int, where: str) -> dict[int, int]:
    """Returns how often each word occurs, by its number from 1."""
    counts: dict[int, int] = {}
    for pair in pairs:
        if not (match := _PAIR.fullmatch(pair)):
            raise UserError(f"{where}: {pair[:40]!r} is no word's number and count, two numbers of 1 to 999999 as in 17:2; {_MEND}")
        word = int(match[1])
        if word > size:
            raise UserError(f"{where}: {pair!r}: there is no word {word}, vocab.new has {size:,}; {_MEND}")
        if word in counts:
            raise UserError(f"{where}: {pair!r}: the word {word} is counted twice; {_MEND}")
        counts[word] = int(match[2])
    if (total := sum(counts.values())) > _LONGEST:
        raise UserError(f"{where}: {total:,} words, more than the {_LONGEST:,} that a document may have; {_MEND}")
    return counts
