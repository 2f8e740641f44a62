"""Where corpora come from, and how their archives become the folders that readers read."""

import contextlib
import dataclasses
import hashlib
import http.client
import io
import os
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO

from tfvae.errors import UserError
from tfvae.opening import opened_as_is

_ADVICE = "name the archive in --archive"
_BLOCK = 1 << 20
_PATIENCE = 60  # seconds without a byte
_LARGEST = 1 << 30  # bytes of an archive or of a file in it: these are tens of megabytes


@dataclasses.dataclass(frozen=True)
class Source:
    """One corpus.

    Attributes:
      licence: under what terms it may be used.
      files: for each file of the corpus's folder, its name in the archive (without folders) and its sha256; "" where that is not known,
        and several with spaces between where editions differ in bytes alone. A file without a name in the archive is the archive itself.
      address: of the official archive; "" where there is none.
      by_hand: how to obtain what has no address.
    """

    licence: str
    files: Mapping[str, tuple[str, str]]
    address: str = ""
    by_hand: str = ""


_DAILY_DIALOG = {
    ("train", ""): "2128f3b82140b7d72d8d5bb989e5982a0394e4e40655995270d84c7eeee373b1",
    ("train", "_act"): "e910d5cfedc500d03dbedd3bcf8661ae8cf0e44d029e56a291f49a7b67042adf",
    ("train", "_emotion"): "5c94e57c6e6c6641f4b1386513085f9d9b934229e732a556424ca7dfae4b6c77",
    ("validation", ""): "2ad64701fe3a4449e7a6ee7cdc6c2a71c80f77b8a34f708ac0532395f499081c",
    ("validation", "_act"): "fbeee7a1b2927c9cb33d6fdc384bb3ea55abf040928d2de4dcea57ab4a669682",
    ("validation", "_emotion"): "3d4094299a995e998bbc3492ce1755c9abc1e7f56500c840e83b12dd16580596",
    ("test", ""): "3c323651cdfb09f7b529f850eddf96a638fc6cc9b43330b77956ab248484a1a8",
    ("test", "_act"): "566649e92babfa528a77757b161deeee91e9c91fe0db71760063747e132d3f4c",
    ("test", "_emotion"): "482b7235f91a1441055a09241b2d2709bb1702f4a08d7316c27fa807cba7d3c9",
}

_MNIST_OF_FIGURES = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"

SOURCES: Mapping[str, Source] = {
    "ptb": Source(
        "text of the Linguistic Data Consortium, for research",
        {
            "train.txt": ("ptb.train.txt", "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"),
            "valid.txt": ("ptb.valid.txt", "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"),
            "test.txt": ("ptb.test.txt", "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"),
        },
        "http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz",
    ),
    "daily_dialog": Source(
        "CC BY-NC-SA 4.0",
        {f"{part}/dialogues{kind}.txt": (f"dialogues{kind}_{part}.txt", sha256) for (part, kind), sha256 in _DAILY_DIALOG.items()},
        "http://yanran.li/files/ijcnlp_dailydialog.zip",
    ),
    "smd": Source(
        "no licence stated; of the Stanford NLP group",
        {
            # Of the training part that figures were made with: rebuilt from ConvLab-3, 12 turns short of the original.
            "kvret_train_public.json": ("kvret_train_public.json", "62255b903965bde8c62eec0a25e8ff887fbe82fd39b3c5ee5d97e19abc6be4a9"),
            "kvret_dev_public.json": ("kvret_dev_public.json", "6dba98a6947c85ac01e384d45fdbd455f95203cd2f402031252177a5a62e4b26"),
            "kvret_test_public.json": ("kvret_test_public.json", "9dfbd7b7c9763a67bfe3fc092a1b81449443186aa1e0dd2e98cd75918f5ae791"),
            "kvret_entities.json": ("kvret_entities.json", "539bb1889b60a8c98f59be56252924f6dc0a8dd0b119f96b8e1e71cb82683b70"),
        },
        "http://nlp.stanford.edu/projects/kvret/kvret_dataset_public.zip",
    ),
    "home_assistant": Source(
        "CC BY 4.0, of the Home Assistant authors; sentences are made of its templates",
        {"en.json": ("en.json", "0b9d606a216b1712409a3d822a8edfb9ff4458e51e421792882ea24e0ce1d456")},
        by_hand="`pip download --no-deps home-assistant-intents==2026.10.27`, and name the wheel in --archive",
    ),
    "yahoo": Source(
        "Yahoo Webscope, for research",
        {
            "yahoo.train.txt": ("train.txt", ""),
            "yahoo.valid.txt": ("val.txt", "3247ac3ffcc4d4bfd6216f2aaa617f6706cdc4081874da39245fe156825898d1"),
            "yahoo.test.txt": ("test.txt", "ad843c4363adbdd07d8055d9bf121e5f23c285760df43a0031b89d8538293075"),
        },
        by_hand="download the raw data sets that the README of github.com/harvardnlp/sa-vae links to, and name the archive in --archive",
    ),
    "20ng": Source(
        "MIT as the repository that holds them; postings to Usenet, counted by their words",
        {
            "train.feat": ("train.feat", "55dfc0cc4e8aac22484ed93a4d785bb171959a00e8ffbca6f13c1c80d8cc4ce5"),
            "test.feat": ("test.feat", "344eff7e61116d72abd6ebc3d3c1e286c0474b41bf85ab09c8b898e0a5ff80c1"),
            "vocab.new": ("vocab.new", "afbe73140a0d39578e6ae33914e049e6587768c088a0501392afda20ca3c85a8"),
        },
        by_hand="download data/20ng.zip of github.com/jiacheng-xu/vmf_vae_nlp, and name it in --archive",
    ),
    "mnist": Source(
        "CC BY-SA 3.0",
        # Of the file that figures were made with, made from the images, and of Keras's own, as Keras states it.
        {"mnist.npz": ("", f"{_MNIST_OF_FIGURES} 731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1")},
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    ),
    "omniglot": Source(
        "MIT",
        {"omniglot_28x28.npz": ("", "a249802048f4943045f79ce468371befb40a867f493596055b2218cf15ce3f0b")},
        by_hand="shrink the drawings of images_background.zip and images_evaluation.zip of github.com/brendenlake/omniglot to 28x28, "
        "0 the paper and 255 the ink, save them with numpy.savez_compressed as omniglot_28x28.npz, with uint8 arrays x_background and "
        "x_evaluation, and integers y_background and y_evaluation, the characters counted from 0 in each, and name it in --archive",
    ),
}


def fetch(source: Source, archive: str, say_progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Downloads a corpus's archive.

    Args:
      source: with an address.
      archive: where the archive goes.
      say_progress: is told the bytes that have come and how many are expected, 0 where that is not known.

    Raises:
      UserError: it cannot be had.
    """
    elsewhere = "on a machine without network, fetch it elsewhere and name the archive in --archive"
    try:
        with urllib.request.urlopen(source.address, timeout=_PATIENCE) as answer, open(archive, "wb") as file:
            total, done = int(answer.headers.get("Content-Length") or 0), 0
            while block := answer.read(_BLOCK):
                file.write(block)
                done += len(block)
                say_progress(done, total)
                if done > _LARGEST:
                    raise UserError(f"{source.address}: more than {_LARGEST >> 20} MiB, which no corpus here has; fetch it by hand")
    except urllib.error.HTTPError as error:
        raise UserError(f"{source.address}: the server answers {error.code} {error.reason}; {elsewhere}") from None
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise UserError(f"{source.address}: cannot be fetched: {getattr(error, 'reason', None) or error!r}; {elsewhere}") from None
    if done < total:
        raise UserError(f"{source.address}: the connection ended after {done} of {total} bytes; start again")


def unpack(source: Source, archive: str, folder: str, *, overwrite: bool = False, accept_other_edition: bool = False) -> None:
    """Writes a corpus's files from its archive: a zip or tar file, possibly with zip files in it, or the corpus's only file itself.

    A file is written whole or not at all. One that is there and the same is left alone.

    Args:
      source: which files.
      archive: the archive.
      folder: the corpus's folder; made where it is missing.
      overwrite: whether files that are there and differ are replaced.
      accept_other_edition: whether files are written that have another checksum than those that this project was tested with.

    Raises:
      UserError: the archive cannot be read or lacks a file, or a file is there and differs, or is of another edition.
    """
    wanted = {name: path for path, (name, _) in source.files.items()}
    found: set[str] = set()
    for name, data in _whole(archive) if "" in wanted else _members(archive):
        if name not in wanted or name in found:
            continue
        found.add(name)
        _check_edition(f"{archive}: {wanted[name]}", hashlib.sha256(data).hexdigest(), source.files[wanted[name]][1], accept_other_edition)
        _write(os.path.join(folder, wanted[name]), data, overwrite)
    if missing := [name for name in wanted if name not in found]:
        raise UserError(f"{archive}: holds no {', '.join(missing)}; is it the right archive?")


def verify(source: Source, folder: str, *, accept_other_edition: bool = False) -> list[str]:
    """Checks that the files of a corpus's folder are, by their checksums, those that this project was tested with.

    Files that are not there are passed over.

    Returns:
      a remark on each that cannot be verified, or is of another edition that is accepted.

    Raises:
      UserError: one is of another edition, and that is not accepted.
    """
    remarks = []
    for name, (_, expected) in source.files.items():
        if not os.path.exists(path := os.path.join(folder, name)):
            continue
        with opened_as_is(path, announced=False) as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if remark := _check_edition(path, actual, expected, accept_other_edition):
            remarks.append(remark)
    return remarks


def _check_edition(where: str, actual: str, expected: str, accepted: bool) -> str:
    if not expected:
        return f"{where}: its checksum was never recorded, so it is not verified"
    if actual in expected.split():
        return ""
    other = f"{where}: another edition: its sha256 is {actual}, that of the tested one {expected.replace(' ', ' or ')}"
    if not accepted:
        raise UserError(f"{other}; get that one (--overwrite replaces files), or go on with this one by --accept_other_edition")
    return f"{other}; accepted"


def _write(path: str, data: bytes, overwrite: bool) -> None:
    if os.path.exists(path) and not overwrite:
        with opened_as_is(path, announced=False) as file:
            if file.read() == data:
                return
        raise UserError(f"{path}: is there and differs from the archive's; --overwrite replaces it")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.remove(file.name)
            raise


def _whole(archive: str) -> Iterator[tuple[str, bytes]]:
    """Yields an archive that is a corpus's file, which has no name in itself."""
    with opened_as_is(archive, _ADVICE, announced=False) as file:
        if (size := os.fstat(file.fileno()).st_size) > _LARGEST:
            raise UserError(f"{archive}: {size >> 20} MiB, more than the {_LARGEST >> 20} of any corpus here; is it the right file?")
        yield "", file.read()


def _members(archive: str) -> Iterator[tuple[str, bytes]]:
    """Yields each file of an archive, by its name without folders; of the zip files in it too."""
    try:
        with opened_as_is(archive, _ADVICE, announced=False) as file:
            yield from _tar_members(file) if tarfile.is_tarfile(archive) else _zip_members(file)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{archive}: no zip or tar archive that can be read: {error}; fetch it again") from None


def _zip_members(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            name = os.path.basename(member.filename)
            if member.is_dir() or member.file_size > _LARGEST:
                continue
            if name.endswith(".zip") and not name.startswith("._"):
                yield from _zip_members(io.BytesIO(archive.read(member)))
            else:
                yield name, archive.read(member)


def _tar_members(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=file) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() and member.size <= _LARGEST else None
            if content is not None:
                yield os.path.basename(member.name), content.read()
