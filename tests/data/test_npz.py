import io
import os
import zipfile

import numpy as np
import pytest

from tfvae.data import npz
from tfvae.data.npz import read_arrays, read_images
from tfvae.errors import UserError

WANTED = {"x": (np.uint8, ("n", 2, None)), "y": (np.integer, ("n",))}
X, Y = np.arange(24, dtype=np.uint8).reshape(3, 2, 4), np.array([5, 6, 7], np.int16)


def npy(array, version=None):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def archive(compression=zipfile.ZIP_DEFLATED, **members):
    """An .npz of arrays, or of bytes as they are."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content if isinstance(content, bytes) else npy(content))
    return stream.getvalue()


def read(folder, data):
    (folder / "a.npz").write_bytes(data)
    return read_arrays(folder / "a.npz", WANTED, advice="get another")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("x", [X, np.asfortranarray(X)], ids=["by rows", "by columns"])
@pytest.mark.parametrize("y", [Y, Y.astype(">i8"), npy(Y, (2, 0))], ids=["int16", "big-endian", "version 2"])
def test_arrays_are_read_as_they_were_written(tmp_path, compression, x, y):
    arrays = read(tmp_path, archive(compression, x=x, y=y, other=np.zeros(3)))
    assert list(arrays) == ["x", "y"]
    np.testing.assert_array_equal(arrays["x"], X)
    np.testing.assert_array_equal(arrays["y"], [5, 6, 7])
    assert arrays["x"].dtype == np.uint8


def test_what_numpy_saves_is_read(tmp_path):
    np.savez(tmp_path / "b.npz", x=X, y=Y)
    np.testing.assert_array_equal(read_arrays(str(tmp_path / "b.npz"), WANTED)["x"], X)


GOOD = archive(x=X, y=Y)
CUT = npy(X)[:-5]


def huge():
    """An array whose header announces more than there is memory for."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": (3, 2, 10**15)})
    return stream.getvalue() + X.tobytes()


def spoilt():
    """An archive in which a byte of the array y is not what the checksum says."""
    data = bytearray(archive(zipfile.ZIP_STORED, x=X, y=Y))
    data[data.index(npy(Y)) + len(npy(Y)) - 1] ^= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"text\n" * 100, r"a\.npz: no \.npz file, or a damaged one: File is not a zip file; get another"),
        (b"", r"a\.npz: no \.npz file, or a damaged one"),
        (npy(X), r"a\.npz: no \.npz file, or a damaged one"),
        (GOOD[:-30], r"a\.npz: no \.npz file, or a damaged one"),
        (GOOD[: len(GOOD) // 2], r"a\.npz: no \.npz file, or a damaged one"),
        (spoilt(), r"no \.npz file, or a damaged one: Bad CRC-32 for file 'y\.npy'; get another"),
        (archive(x=X), r"a\.npz: holds no array y, but 'x'; get another"),
        (archive(), r"a\.npz: holds no array x, y; get another"),
        (archive(x=X, y=npy(np.array([{}, 1, None], object))), r"y: holds pickled objects, which are never read.*; get another"),
        (archive(x=X.astype(np.float32), y=Y), "x: holds float32 where uint8 is wanted; get another"),
        (archive(x=X, y=Y.astype(np.float64)), "y: holds float64 where integer is wanted"),
        (archive(x=X[:, :1], y=Y), r"x: has the shape \(3, 1, 4\) where \(N, 2, N\) is wanted"),
        (archive(x=X, y=Y[:, None]), r"y: has the shape \(3, 1\) where \(N,\) is wanted"),
        (archive(x=X[:0], y=Y[:0]), r"x: has the shape \(0, 2, 4\) .* N above 0"),
        (archive(x=X, y=Y[:2]), "y: has 2 entries where x has 3; get another"),
        (archive(x=CUT, y=Y), "x: its header announces 24 bytes and 19 follow; get another"),
        (archive(x=npy(X) + b"more", y=Y), "x: its header announces 24 bytes and 28 follow"),
        (archive(x=huge(), y=Y), "x: its header announces 6,000,000,000,000,000 bytes and 24 follow"),
        (archive(x=b"no array at all", y=Y), "x: no array: its header cannot be read; get another"),
        (archive(x=b"", y=Y), "x: no array: its header cannot be read"),
        (archive(x=npy(X).replace(b"{'descr'", b"{{{{{{{{"), y=Y), "x: no array: its header cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_with_the_array(tmp_path, data, message):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, data)
    assert str(caught.value).startswith(str(tmp_path / "a.npz")) and "\n" not in str(caught.value)


def test_more_bytes_than_are_read_are_refused_before_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "_LARGEST", 285)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(UserError, match=r"announces arrays of 286 bytes, more than the 285 that are read; get another"):
        read(tmp_path, GOOD)


def test_a_member_that_inflates_beyond_its_announced_size_takes_no_more(tmp_path):
    bomb = archive(x=npy(X) + b"\0" * 10_000_000, y=Y)
    real, told = (size.to_bytes(4, "little") for size in (len(npy(X)) + 10_000_000, len(npy(X))))
    with pytest.raises(UserError, match=r"damaged one: Bad CRC-32"):
        read(tmp_path, bomb.replace(real, told))


def test_no_damage_of_a_byte_ends_in_another_error(tmp_path):
    draw = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(GOOD)
        data[draw.integers(len(data))] = draw.integers(256)
        try:
            arrays = read(tmp_path, bytes(data))
        except UserError as error:
            assert "\n" not in str(error)
        else:
            np.testing.assert_array_equal(arrays["x"], X)


def test_a_file_that_is_not_there_or_cannot_be_opened_is_told_as_of_text(tmp_path):
    with pytest.raises(UserError, match=r"none\.npz: no such file; check the path"):
        read_arrays(tmp_path / "none.npz", WANTED)
    with pytest.raises(UserError, match="is a folder where a file is wanted"):
        read_arrays(tmp_path, WANTED)
    (tmp_path / "a.npz").write_bytes(GOOD)
    (tmp_path / "a.npz").chmod(0)
    if not os.access(tmp_path / "a.npz", os.R_OK):  # root may read all
        with pytest.raises(UserError, match=r"no permission to read it; see chmod \+r"):
            read_arrays(tmp_path / "a.npz", WANTED)


def test_images_are_numbered_and_their_classes_are_int32(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    np.savez(tmp_path / "a.npz", x_some=x, y_some=np.array([2, 0, 1], np.uint8))
    split = read_images(tmp_path / "a.npz", {"some": 3}, "kind", advice="")["some"]
    np.testing.assert_array_equal(split.items, x)
    assert split.labels["kind"].dtype == np.int32 and split.labels["kind"].tolist() == [2, 0, 1]
    assert split.where(2) == f"{tmp_path / 'a.npz'}: image 3"


@pytest.mark.parametrize("off", [-1, 3])
def test_a_class_that_does_not_exist_is_an_error_with_the_image(tmp_path, off):
    np.savez(tmp_path / "a.npz", x_some=np.zeros((3, 28, 28), np.uint8), y_some=np.array([2, off, 1], np.int16))
    with pytest.raises(UserError, match=rf"a\.npz: y_some: image 2 has the kind {off}, no number from 0 to 2; get another"):
        read_images(tmp_path / "a.npz", {"some": 3}, "kind", advice="get another")
