import gzip
import json
import tracemalloc

import numpy as np
import pytest

from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.export.encode_file import encode_file
from tfvae.modalities.words import Words
from tfvae.models.build import build_vae
from tfvae.models.model import Model
from tfvae.registry import resolve

SMALL = {"encoder.embedding_dim": 4, "encoder.hidden_dim": 4, "decoder.embedding_dim": 4, "decoder.hidden_dim": 4}


def make(name="dem_vae"):
    vocabulary = Vocabulary([f"w{number}" for number in range(16)])
    words = Words(vocabulary, max_length=6)
    return Model(words, build_vae(resolve(name, "demo", base=SMALL), words.shape))


@pytest.fixture(scope="module")
def model():
    return make()


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_bytes(b"\xef\xbb\xbfw1 w2\r\n\n   \nlabel\tw3 w4\nbad \xff line\nw1 w1 w1 w1 w1 w1 w1\nw5\x00\nw\xc3\xa9 w6")
    return path


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_kind_of_line_is_encoded_or_reported(model, source, tmp_path):
    report = encode_file(model, str(source), str(tmp_path / "out.jsonl"))
    lines = read_lines(tmp_path / "out.jsonl")
    assert [(line["line"], line["text"]) for line in lines] == [(1, "w1 w2"), (4, "w3 w4"), (6, "w1 w1 w1 w1 w1 w1 w1"), (8, "wé w6")]
    assert [line.get("label") for line in lines] == [None, "label", None, None]
    assert report.encoded == 4
    assert report.lines() == [
        "2 lines (2, 3) are blank: skipped",
        "2 lines (5, 7) are not UTF-8 text: skipped",
        "1 line (6) is longer than 6 tokens: cut to them",
    ]


def test_a_file_holds_what_encode_returns(model, source, tmp_path):
    for suffix in ("jsonl", "npz"):
        encode_file(model, str(source), str(tmp_path / f"out.{suffix}"), batch_size=3)
    lines = read_lines(tmp_path / "out.jsonl")
    expected = model.encode([line["text"] for line in lines])
    with np.load(tmp_path / "out.npz") as arrays:
        for name in ("codes", "probabilities", "mean"):
            np.testing.assert_allclose([line[name] for line in lines], expected[name], rtol=1e-5)
            np.testing.assert_allclose(arrays[name], expected[name], rtol=1e-6)
        assert arrays["line"].tolist() == [1, 4, 6, 8]
        for name in ("text", "label"):
            packed, offset = arrays[name], arrays[f"{name}_offset"]
            assert [packed[offset[i] : offset[i + 1]].tobytes().decode() for i in range(4)] == [line.get(name, "") for line in lines]


def test_texts_of_unknown_words_alone_are_counted(model, tmp_path, caplog):
    (tmp_path / "texts.txt").write_text("w1 w2\nzzz\nqqq zzz\n")
    report = encode_file(model, str(tmp_path / "texts.txt"), str(tmp_path / "out.jsonl"))
    remark = "no word is in the model's vocabulary"
    assert report.encoded == 3 and report.lines() == [f"2 lines (2, 3) are encoded all the same: {remark}"]
    assert not caplog.messages
    model.encode(["w1", "", "zzz", "qqq"])
    assert caplog.messages == [f"3 of 4 sentences: {remark}"]


def test_a_model_without_codes_writes_means(source, tmp_path):
    encode_file(make("vmf_vae"), str(source), str(tmp_path / "out.jsonl"))
    assert set(read_lines(tmp_path / "out.jsonl")[0]) == {"line", "text", "mean"}


def test_a_compressed_file_is_read(model, tmp_path):
    with gzip.open(tmp_path / "t.gz", "wt") as file:
        file.write("w1\n" * 10)
    assert encode_file(model, str(tmp_path / "t.gz"), str(tmp_path / "out.npz")).encoded == 10


def test_a_table_is_read_by_its_column(model, tmp_path):
    (tmp_path / "t.csv").write_text('id,said\n1,w1 w2\n2,\n3,"w3\nw1"\n')
    report = encode_file(model, str(tmp_path / "t.csv"), str(tmp_path / "out.jsonl"), text_column="said")
    lines = read_lines(tmp_path / "out.jsonl")
    assert report.encoded == 2 and [(line["line"], line["text"]) for line in lines] == [(1, "w1 w2"), (3, "w3\nw1")]
    np.testing.assert_allclose([line["mean"] for line in lines], model.encode(["w1 w2", "w3 w1"])["mean"], rtol=1e-5)
    with pytest.raises(UserError, match=r"t.csv: .*said"):
        encode_file(model, str(tmp_path / "t.csv"), str(tmp_path / "other.jsonl"))
    (tmp_path / "t.txt").write_text("w1\n")
    with pytest.raises(UserError, match=r"--text_column=said: .*t.txt is no table by its name"):
        encode_file(model, str(tmp_path / "t.txt"), str(tmp_path / "other.jsonl"), text_column="said")
    assert not (tmp_path / "other.jsonl").exists()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(model, tmp_path):
    def peak(count, suffix):
        (tmp_path / "many.txt").write_text("w1 w2 w3\n" * count)
        tracemalloc.start()
        encode_file(model, str(tmp_path / "many.txt"), str(tmp_path / f"out.{suffix}"))
        return tracemalloc.get_traced_memory()[1], tracemalloc.stop()

    for suffix in ("jsonl", "npz"):
        peak(5_000, suffix)  # traces the graph
        assert peak(40_000, suffix)[0] < 1.5 * peak(10_000, suffix)[0]


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        (b"", "out.jsonl", "no line holds any text"),
        (b"\n\n", "out.jsonl", "no line holds any text"),
        (b"\xff\n", "out.npz", "no line holds any text"),
        (b"w1\n", "out.csv", "must end in .jsonl or .npz"),
        (b"w1\n", "nowhere/out.npz", "its folder does not exist"),
    ],
)
def test_mistakes_are_said_and_leave_nothing_behind(model, tmp_path, content, target, message):
    (tmp_path / "t.txt").write_bytes(content)
    with pytest.raises(UserError, match=message):
        encode_file(model, str(tmp_path / "t.txt"), str(tmp_path / target))
    assert [path.name for path in tmp_path.iterdir()] == ["t.txt"]


def test_a_folder_or_the_source_itself_is_not_written_over(model, source, tmp_path):
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        encode_file(model, str(source), str(tmp_path / "folder.jsonl"))
    same = tmp_path / "same.jsonl"
    same.write_text("w1\n")
    with pytest.raises(UserError, match="is the file that is read"):
        encode_file(model, str(same), str(same))
    assert same.read_text() == "w1\n"


def test_a_missing_file_and_a_model_without_a_latent_variable_are_said(model, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        encode_file(model, str(tmp_path / "missing"), str(tmp_path / "out.npz"))
    with pytest.raises(UserError, match="no latent variable"):
        encode_file(make("rnn_lm"), str(tmp_path / "missing"), str(tmp_path / "out.npz"))


def test_an_interrupted_file_keeps_what_was_there(model, source, tmp_path, monkeypatch):
    (tmp_path / "out.jsonl").write_text("before")
    monkeypatch.setattr(model, "posteriors", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        encode_file(model, str(source), str(tmp_path / "out.jsonl"))
    assert (tmp_path / "out.jsonl").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"texts.txt", "out.jsonl"}
