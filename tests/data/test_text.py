import gzip
import itertools
import pathlib
import tracemalloc

import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import corpora, text
from tfvae.errors import UserError


@pytest.fixture
def write(tmp_path):
    def write(name, *lines):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return str(tmp_path / name)

    return write


def read(**fields):
    return text.read(DataConfig(name="text", **fields))


def splits(corpus):
    return [list(corpus.split(name).items) for name in ("train", "valid", "test")]


def message(**fields):
    with pytest.raises(UserError) as caught:
        read(**fields)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_three_files_are_three_splits(write):
    corpus = read(train_file=write("a", "one", "", " two "), valid_file=write("b", "three"), test_file=write("c", "four"))
    assert splits(corpus) == [["one", "two"], ["three"], ["four"]]
    assert corpus.train.where(1).endswith("/a:3")
    assert corpus.label_names == {}
    assert corpus.train.labels == {}


def test_one_file_is_split_into_parts_of_the_fractions_asked(write):
    lines = [f"text {i}" for i in range(100)]
    corpus = read(train_file=write("a", *lines), valid_fraction=0.2, test_fraction=0.07)
    assert [len(split) for split in splits(corpus)] == [73, 20, 7]
    assert sorted(itertools.chain(*splits(corpus))) == sorted(lines)


def test_the_split_is_a_function_of_the_seed_alone(write):
    path = write("a", *(f"text {i}" for i in range(50)))
    np.random.seed(1)
    first = splits(read(train_file=path, split_seed=3))
    np.random.seed(2)
    assert splits(read(train_file=path, split_seed=3)) == first
    assert splits(read(train_file=path, split_seed=4)) != first


def test_split_off_texts_keep_their_order_and_their_lines(write):
    corpus = read(train_file=write("a", *(f"{i}" for i in range(1, 51))))
    for name in ("train", "valid", "test"):
        split = corpus.split(name)
        assert [int(line) for line in split.items] == split.lines.tolist() == sorted(split.lines)


def test_only_the_missing_split_is_split_off_and_is_the_same_with_or_without_a_validation_file(write):
    path, valid = write("a", *(f"{i}" for i in range(20))), write("b", "own")
    corpus = read(train_file=path, valid_file=valid)
    assert [len(split) for split in splits(corpus)] == [18, 1, 2]
    assert splits(corpus)[1] == ["own"]
    assert splits(corpus)[2] == splits(read(train_file=path))[2]


@pytest.mark.parametrize("total", [3, 4, 5])
def test_every_split_has_a_text_at_the_largest_fractions(write, total):
    corpus = read(train_file=write("a", *"abcde"[:total]), valid_fraction=0.45, test_fraction=0.45)
    assert all(splits(corpus))


def test_too_few_texts_to_split_are_told(write):
    path = write("a", "one", "two")
    assert message(train_file=path).startswith(f"{path}: too few sentences: 2, at least 3 needed to split off test and valid; ")
    assert len(splits(read(train_file=path, test_file=write("b", "three")))[0]) == 1
    short = write("c", "one")
    assert f"{short}: too few sentences: 1, at least 2 needed to split off valid" in message(train_file=short, test_file=path)


def test_labels_are_numbered_by_their_sorted_names_over_all_splits(write):
    train = write("a", "sport\tone two", "arts\tthree", " sport \t four")
    corpus = read(train_file=train, valid_file=write("b", "politics\tfive"), test_file=write("c", "arts\tsix"))
    assert list(corpus.label_names["label"]) == ["arts", "politics", "sport"]
    assert splits(corpus) == [["one two", "three", "four"], ["five"], ["six"]]
    assert [corpus.split(name).labels["label"].tolist() for name in ("train", "valid", "test")] == [[2, 0, 2], [1], [0]]
    assert corpus.train.labels["label"].dtype == "int32"


def test_labels_stay_with_their_texts_when_one_file_is_split(write):
    corpus = read(train_file=write("a", *(f"{'odd' if i % 2 else 'even'}\t{i}" for i in range(30))))
    for name in ("train", "valid", "test"):
        split = corpus.split(name)
        names = [corpus.label_names["label"][number] for number in split.labels["label"]]
        assert names == ["odd" if int(line) % 2 else "even" for line in split.items]


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        (["a\tone", "", "two", "b\tthree"], 3, "no tab where the lines before have one"),
        (["one", "two", "a\tthree"], 3, "a tab where the lines before have none"),
        (["a\tone", "b\ttwo\tthree"], 2, "2 tabs"),
        (["one", "two\tthree\tfour"], 2, "2 tabs"),
        (["a\tone", " \ttwo"], 2, "no label before the tab"),
        (["\tone", "two"], 1, "no label before the tab"),
        (["a\tone", "b\t "], 2, "no text after the tab"),
    ],
)
def test_the_first_line_that_is_out_of_form_is_named(write, lines, line, problem):
    path = write("a", *lines)
    assert message(train_file=path).startswith(f"{path}:{line}: {problem}; ")


def test_labels_in_some_files_only_are_told(write):
    labelled, plain = write("a", "x\tone", "y\ttwo"), write("b", "three", "four")
    assert f"{labelled} has labels, {plain} has none" in message(train_file=labelled, valid_file=plain, test_file=plain)
    assert f"{labelled} has labels, {plain} has none" in message(train_file=plain, valid_file=labelled, test_file=plain)


def test_no_training_file_is_told(write):
    assert "config.data.train_file" in message(valid_file=write("a", "one"))


def test_a_missing_file_is_told_with_the_field_that_names_it(write, tmp_path):
    text = message(train_file=write("a", "one"), valid_file=str(tmp_path / "absent"))
    assert text == f"{tmp_path}/absent: no such file; check config.data.valid_file"


def test_files_are_looked_for_in_dir(write, tmp_path):
    (tmp_path / "packed.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    write("b", "three")
    corpus = read(dir=str(tmp_path), train_file="packed.gz", valid_file="b", test_file=str(tmp_path / "b"))
    assert splits(corpus) == [["one", "two"], ["three"], ["three"]]


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (['{"text": "a b"}', '{"text": "c"}', '{"text": "d"}'], "jsonl"),
        (["text,label", "the food was good,positive", '"never, again",negative'], "csv"),
        (["a b c", "well, that was it .", "no , never", "1,000 people"], ""),
        (["{ a", "b }", "c"], ""),
    ],
)
def test_a_file_that_looks_like_a_table_is_told(write, caplog, lines, kind):
    read(train_file=write("a", *lines))
    assert (f"--data={kind} reads them" in caplog.text) == bool(kind) and bool(caplog.messages) == bool(kind)


def test_a_file_whose_name_says_a_table_is_told(write, caplog):
    read(train_file=write("a.csv", *["x y z"] * 5))
    assert "--data=csv reads them" in caplog.text


def test_labels_that_look_like_texts_are_told(write, caplog):
    read(train_file=write("a", *(f"the text number {i}\t{'ab'[i % 2]}" for i in range(30))))
    assert "30 texts have 30 different classes of label: are the columns of texts and labels exchanged?" in caplog.text


def test_no_more_lines_are_read_than_are_wanted_where_no_split_is_drawn(write):
    path = write("a", *(f"text {i}" for i in range(20)))
    with open(path, "ab") as file:
        file.write(b"\xff\n")
    few = corpora.read(DataConfig(name="text", train_file=path, valid_file=path, test_file=path, limit=3))
    assert splits(few) == [["text 0", "text 1", "text 2"]] * 3
    with pytest.raises(UserError, match=":21: byte 0xff"):
        corpora.read(DataConfig(name="text", train_file=path, limit=3))


def test_a_limit_leaves_the_first_of_each_split_and_all_classes(write):
    fields = {"name": "text", "train_file": write("a", *(f"{'zyx'[i // 10]}\ttext {i}" for i in range(30)))}
    for files in ({}, {"valid_file": fields["train_file"], "test_file": fields["train_file"]}):
        whole, few = corpora.read(DataConfig(**fields, **files)), corpora.read(DataConfig(**fields, **files, limit=3))
        assert splits(few) == [items[:3] for items in splits(whole)]
        assert few.label_names == whole.label_names == {"label": ["x", "y", "z"]}
        assert few.valid.labels["label"].tolist() == whole.valid.labels["label"].tolist()[:3]


def test_a_file_is_in_memory_once(write):
    path = write("a", *(f"text number {i} " + "of some usual length, with a few more words to it and an end" for i in range(40_000)))
    size = len(pathlib.Path(path).read_bytes())
    tracemalloc.start()
    corpus = read(train_file=path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(corpus.train) == 32_000 and peak < 1.9 * size  # as strings of Python the texts alone would take 1.7 times as much
