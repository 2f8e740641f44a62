import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import daily_dialog
from tfvae.data.turn import Said
from tfvae.errors import UserError

DIALOGUES = "Hi ! __eou__ Hello there . __eou__\n\nWhat ? __eou__ \n"
ACTS, EMOTIONS = "3 1 \n\n2 \n", "0 4 \n\n6 \n"


def make(folder, *, original_names=False, **changes):
    """Writes the corpus; a keyword such as `train_act` replaces one file's text."""
    for part in ("train", "validation", "test"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for kind, text in {"": DIALOGUES, "_act": ACTS, "_emotion": EMOTIONS}.items():
            name = f"dialogues{kind}_{part}.txt" if original_names else f"dialogues{kind}.txt"
            text = changes.get(part + kind, text)
            (folder / part / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return DataConfig(name="daily_dialog", dir=str(folder))


@pytest.mark.parametrize("original_names", [False, True])
def test_a_turn_is_an_example_with_its_own_labels(tmp_path, original_names):
    corpus = daily_dialog.read(make(tmp_path, original_names=original_names))
    for split in (corpus.train, corpus.valid, corpus.test):
        assert list(split.items) == ["Hi !", "Hello there .", "What ?"]
        acts = [corpus.label_names["act"][i] for i in split.labels["act"]]
        emotions = [corpus.label_names["emotion"][i] for i in split.labels["emotion"]]
        assert acts == ["directive", "inform", "question"]
        assert emotions == ["no emotion", "happiness", "surprise"]
        np.testing.assert_array_equal(split.lines, [1, 1, 3])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_act": "3 1 \n\n2 2 \n"}, r"train/dialogues_act\.txt:3: 2 labels for a dialogue of 1 turns"),
        ({"test_emotion": "0 \n\n6 \n"}, r"test/dialogues_emotion\.txt:1: 1 labels for a dialogue of 2 turns"),
        ({"train_act": "3 1 \n\n5 \n"}, r"train/dialogues_act\.txt:3: '5' is no act, a number from 1 to 4"),
        ({"train_act": "0 1 \n\n2 \n"}, r"'0' is no act"),
        ({"train_emotion": "0 4 \n\n-1 \n"}, r"'-1' is no emotion, a number from 0 to 6"),
        ({"train_emotion": "0 4 \n\n\u0662 \n"}, "'\u0662' is no emotion"),
        (
            {"validation_act": "3 1 \n"},
            r"txt:3: .*validation/dialogues_act\.txt has nothing on this line, 2 dialogues and 1 lines",
        ),
        ({"validation_act": "3 1 \n1 \n2 \n"}, r"dialogues_act\.txt:2: .*validation/dialogues\.txt has nothing on this line"),
        ({"train": "Hi ! __eou__ Hello\n\nWhat ? __eou__\n"}, r"train/dialogues\.txt:1: the last turn, 'Hello', does not end in __eou__"),
        ({"train": "Hi ! __eou__ __eou__\n\nWhat ? __eou__\n"}, r"train/dialogues\.txt:1: turn 2 is empty"),
        ({"train": b"Hi \xff __eou__\n"}, r"train/dialogues\.txt:1: byte 0xff at position 4 is not UTF-8"),
        ({"test_act": ""}, r"test/dialogues_act\.txt: the file is empty"),
    ],
)
def test_what_is_off_is_said_with_its_file_and_line(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        daily_dialog.read(make(tmp_path, **changes))


def test_a_missing_file_is_told_with_the_names_that_were_looked_for(tmp_path):
    data = make(tmp_path)
    (tmp_path / "test" / "dialogues_act.txt").unlink()
    with pytest.raises(UserError, match=r"holds neither test/dialogues_act\.txt nor test/dialogues_act_test\.txt; unpack ijcnlp"):
        daily_dialog.read(data)


def test_the_real_corpus_has_its_published_counts(data_dir):
    if not (data_dir / "daily_dialog").is_dir():
        pytest.skip(f"no {data_dir / 'daily_dialog'}")
    corpus = daily_dialog.read(DataConfig(name="daily_dialog", dir=str(data_dir / "daily_dialog")))
    assert [len(corpus.split(name)) for name in ("train", "valid", "test")] == [87170, 8069, 7740]
    assert corpus.train.lines[-1] == 11118
    np.testing.assert_array_equal(np.bincount(corpus.test.labels["act"]), [3534, 2210, 1278, 718])
    np.testing.assert_array_equal(np.bincount(corpus.test.labels["emotion"]), [6321, 118, 47, 17, 1019, 102, 116])


def test_with_contexts_turns_know_of_those_before(tmp_path):
    data = make(tmp_path)
    data.context = 3
    split = daily_dialog.read(data).train
    assert list(split.items) == ["Hi !", "Hello there .", "What ?"]
    assert [turn.context for turn in split.items] == [(), (Said("Hi !", False),), ()]
