"""DailyDialog: everyday conversations in which every turn has a dialogue act and an emotion. A turn is an example.

With `data.context`, it comes with the turns before it; two speak in turn.

References:
  Li et al. DailyDialog: A Manually Labelled Multi-turn Dialogue Dataset. IJCNLP 2017.
"""

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.dialogues import with_contexts
from tfvae.data.files import WHITE_SPACE, corpus_folder, find_file, read_lines
from tfvae.errors import UserError

_END_OF_TURN = "__eou__"
_FOLDERS = {"train": "train", "valid": "validation", "test": "test"}
# The classes of each label, and the number that stands for the first of them.
_LABELS = {
    "act": (("inform", "question", "directive", "commissive"), 1),
    "emotion": (("no emotion", "anger", "disgust", "fear", "happiness", "sadness", "surprise"), 0),
}
_MEND = "mend the line, or delete it from all three files"
_ADVICE = (
    "unpack ijcnlp_dailydialog.zip and the three archives in it (scripts/prepare_data.py --corpus=daily_dialog does), "
    "and name the folder that has train, validation and test in config.data.dir, or make it $TFVAE_DATA_DIR/daily_dialog"
)


def read(data: DataConfig) -> Corpus:
    """Reads dialogues.txt, dialogues_act.txt and dialogues_emotion.txt of each split, or dialogues_train.txt and so on.

    Args:
      data: `dir` is the folder of the three splits; empty: $TFVAE_DATA_DIR/daily_dialog. With `context`, turns come with those before them.

    Returns:
      A corpus with the labels "act" and "emotion"; a turn stands on the line of its dialogue.

    Raises:
      UserError: a file is missing or cannot be read, or texts and labels do not agree.
    """
    folder = corpus_folder(data, advice=_ADVICE)
    train, valid, test = (_read_split(folder, _FOLDERS[name], data.context) for name in SPLITS)
    return Corpus("daily_dialog", train, valid, test, {label: names for label, (names, _) in _LABELS.items()})


def _read_split(folder: str, part: str, context: int) -> Split:
    def lines_of(kind: str) -> tuple[str, list[str], np.ndarray]:
        path = find_file(folder, [f"{part}/{kind}.txt", f"{part}/{kind}_{part}.txt"], advice=_ADVICE)
        return path, *read_lines(path)

    path, dialogues, numbers = lines_of("dialogues")
    turns = [_turns(line, f"{path}:{number}") for line, number in zip(dialogues, numbers, strict=True)]
    counts = [len(dialogue) for dialogue in turns]
    labels = {}
    for label in _LABELS:
        label_path, label_lines, label_numbers = lines_of(f"dialogues_{label}")
        _check_aligned(path, numbers, label_path, label_numbers)
        classes = []
        for line, number, count in zip(label_lines, label_numbers, counts, strict=True):
            classes += _classes(line, label, count, f"{label_path}:{number}")
        labels[label] = np.array(classes, np.int32)
    split = Split([turn for dialogue in turns for turn in dialogue], labels, path, np.repeat(numbers, counts))
    return with_contexts(split, split.lines, [place % 2 for count in counts for place in range(count)], context) if context else split


def _turns(line: str, where: str) -> list[str]:
    *turns, rest = (turn.strip(WHITE_SPACE) for turn in line.split(_END_OF_TURN))
    if rest:
        raise UserError(f"{where}: the last turn, {rest[:40]!r}, does not end in {_END_OF_TURN}; {_MEND}")
    for i, turn in enumerate(turns, 1):
        if not turn:
            raise UserError(f"{where}: turn {i} is empty; {_MEND}")
    return turns


def _check_aligned(path: str, numbers: np.ndarray, label_path: str, label_numbers: np.ndarray) -> None:
    """Checks that a file has labels on the lines that have dialogues."""
    if lone := sorted(set(numbers.tolist()) ^ set(label_numbers.tolist())):
        has, lacks = (path, label_path) if lone[0] in numbers else (label_path, path)
        sizes = f"{len(numbers)} dialogues and {len(label_numbers)} lines of labels in all"
        raise UserError(f"{has}:{lone[0]}: {lacks} has nothing on this line, {sizes}; {_MEND}")


def _classes(line: str, label: str, count: int, where: str) -> list[int]:
    names, first = _LABELS[label]
    words = line.split()
    if len(words) != count:
        raise UserError(f"{where}: {len(words)} labels for a dialogue of {count} turns; {_MEND}")
    for word in words:
        if not (word.isascii() and word.isdigit() and first <= int(word) < first + len(names)):
            raise UserError(f"{where}: {word!r} is no {label}, a number from {first} to {first + len(names) - 1}; {_MEND}")
    return [int(word) - first for word in words]
