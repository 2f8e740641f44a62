import builtins
import gzip

import pytest

from tfvae.config import DataConfig
from tfvae.data.files import corpus_folder, read_lines
from tfvae.errors import UserError


def message(call, *args, **kwargs):
    with pytest.raises(UserError) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def write(tmp_path):
    def write(data, name="corpus.txt"):
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return write


def test_blank_lines_are_skipped_and_keep_their_numbers(write):
    lines, numbers = read_lines(write(b"one\n\n \t\x0b\x0c\ntwo \n"))
    assert lines == ["one", "two "]
    assert numbers.tolist() == [1, 4]
    assert numbers.dtype == "int64"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_all_line_endings_read_the_same(write, end):
    lines, numbers = read_lines(write(end.join([b"one", b"", b"two", b"three"])))
    assert lines == ["one", "two", "three"]
    assert numbers.tolist() == [1, 3, 4]


def test_line_separators_of_unicode_do_not_end_a_line(write):
    text = "a\x85b\u2028c\x1cd"
    assert read_lines(write(text.encode()))[0] == [text]


def test_a_byte_order_mark_is_dropped_at_the_start_alone(write):
    assert read_lines(write("\ufeffone\n\ufefftwo\n".encode()))[0] == ["one", "\ufefftwo"]


def test_a_gzip_file_reads_as_the_plain_one(write):
    data = "één\n\n二\n".encode()
    plain, packed = read_lines(write(data)), read_lines(write(gzip.compress(data), "corpus.txt.gz"))
    assert plain[0] == packed[0] == ["één", "二"]
    assert plain[1].tolist() == packed[1].tolist() == [1, 3]


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "absent.txt"
    assert message(read_lines, path, advice="download it") == f"{path}: no such file; download it"


def test_a_folder_in_place_of_a_file_is_told(tmp_path):
    assert message(read_lines, tmp_path) == f"{tmp_path}: is a folder where a file is wanted"


def test_a_file_without_permission_is_told(write, monkeypatch):
    path = write(b"one\n")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(builtins, "open", refuse)
    text = message(read_lines, path)
    monkeypatch.undo()
    assert text == f"{path}: no permission to read it; see chmod +r"


def test_a_path_below_a_file_is_told(write):
    path = write(b"one\n") + "/corpus.txt"
    assert message(read_lines, path) == f"{path}: cannot be read: Not a directory"


def test_a_binary_file_is_told_with_its_line(write):
    path = write(b"one\r\ntwo\r\n\x00\x01\n")
    assert message(read_lines, path) == f"{path}:3: a NUL byte: this is a binary file or UTF-16, not UTF-8 text"


def test_utf_16_is_told(write):
    assert "UTF-16" in message(read_lines, write("one\ntwo\n".encode("utf-16")))


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_byte_that_is_not_utf_8_is_told_with_line_and_position(write, start):
    path = write(start + b"one\n\ncaf\xe9 noir\n")
    assert message(read_lines, path) == f"{path}:3: byte 0xe9 at position 4 is not UTF-8: convert the file to UTF-8"


@pytest.mark.parametrize("damage", [lambda data: data[:-12], lambda data: data[:20] + b"????" + data[24:], lambda data: b"one\n"])
def test_a_broken_gzip_file_is_told(write, damage):
    path = write(damage(gzip.compress(bytes(range(1, 128)) * 20)), "corpus.gz")
    assert message(read_lines, path).startswith(f"{path}: broken gzip file: ")


@pytest.mark.parametrize("data", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_a_file_without_text_is_told(write, data):
    path = write(data)
    assert message(read_lines, path) == f"{path}: the file is empty: no line holds any text"


def test_an_empty_gzip_file_is_told(write):
    assert "the file is empty" in message(read_lines, write(gzip.compress(b""), "corpus.gz"))


def test_the_corpus_folder_is_dir_before_the_environment(tmp_path, monkeypatch):
    (tmp_path / "ptb").mkdir()
    monkeypatch.setenv("TFVAE_DATA_DIR", str(tmp_path))
    assert corpus_folder(DataConfig(name="ptb"), advice="") == str(tmp_path / "ptb")
    assert corpus_folder(DataConfig(name="ptb", dir=str(tmp_path)), advice="") == str(tmp_path)


def test_a_missing_corpus_folder_is_told_with_the_advice(tmp_path, monkeypatch):
    monkeypatch.setenv("TFVAE_DATA_DIR", str(tmp_path))
    assert message(corpus_folder, DataConfig(name="ptb"), advice="get it") == f"{tmp_path}/ptb: no such folder; get it"
    monkeypatch.delenv("TFVAE_DATA_DIR")
    text = message(corpus_folder, DataConfig(name="ptb"), advice="get it")
    assert "config.data.dir" in text
    assert "$TFVAE_DATA_DIR" in text
    assert text.endswith("; get it")
