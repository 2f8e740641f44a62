"""Names and archives that would lead elsewhere, and texts that would be more than text in a report."""

import hashlib
import html.parser
import io
import pathlib
import tarfile
import zipfile
from collections.abc import Mapping

import grpc
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

from benchmarks.serving import Served, served
from tfvae.cli.model import SMOKE
from tfvae.data.escapes import visible
from tfvae.data.sources import Source, unpack
from tfvae.errors import UserError
from tfvae.export.saved_model import export
from tfvae.registry import resolve
from tfvae.reports.report import report
from tfvae.training.fit import fit
from torture.outcome import Outcome, told
from torture.workshop import Workshop

SECRET = "kept-beside-the-models"
NAMES = (
    "other",
    "..",
    "../..",
    "..%2F..%2Fetc",
    "%2E%2E",
    "%2e%2e%2f%2e%2e",
    "..%5C..",
    "%252e%252e%252f",
    "model%2F..%2F..",
    "model/../../secret",
    "....//",
    "%00",
    "model%00",
    "notes.txt",
    "/etc/passwd",
    "C:%5C",
    "~",
    ".",
)
"""Names of models that are none, as a path of HTTP writes them."""
GRPC_NAMES = ("..", "../..", "/etc/passwd", "model/..", "model\\..", "~", "notes.txt", "\0")
EXPORT_NAMES = ("..", "../x", "/tmp/x", "a/b", ".x", "", "a\0", "a\\b", "~", "-x", "a\n")


def traverse(workshop: Workshop) -> Outcome:
    """Asks a server, and an export, for names that lead elsewhere."""
    outcome = Outcome(
        "a model's name that leads elsewhere (HTTP, gRPC, `export`)", "not found, and nothing of elsewhere is answered or written"
    )
    (workshop.models.parent / "secret").write_text(SECRET)
    (workshop.models / "notes.txt").write_text(SECRET)
    with served(workshop.models) as server:
        ask_for_names(server, outcome)
    run, before = workshop.run, _files(workshop.folder)
    for name in EXPORT_NAMES:
        if name:  # none is the model's own
            problem = told(lambda name=name: export(str(run), str(workshop.folder / "exports"), name=name))
            outcome.count(f"export {name!r}", problem or ("written" if _files(workshop.folder) != before else ""))
    return outcome


def ask_for_names(server: Served, outcome: Outcome) -> None:
    """Asks a server for each of the names."""
    for name in NAMES:
        for method, path in (
            ("GET", f"/v2/models/{name}"),
            ("POST", f"/v2/models/{name}/infer"),
            ("GET", f"/v2/models/model/versions/{name}"),
        ):
            status, body = server.ask(method, path, b'{"inputs": []}' if method == "POST" else None)
            outcome.count(f"{method} {path}", f"status {status}" if not 400 <= status < 500 or SECRET.encode() in body else "")
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        for name in GRPC_NAMES:
            try:
                stub.ModelInfer(pb.ModelInferRequest(model_name=name), timeout=30)
                outcome.count(f"gRPC {name!r}", "answered")
            except grpc.RpcError as error:
                outcome.count(f"gRPC {name!r}", "" if error.code() == grpc.StatusCode.NOT_FOUND else str(error.code()))


TEXT = b"a sentence\n"
SOURCE = Source("free", {"train/a.txt": ("a.txt", hashlib.sha256(TEXT).hexdigest()), "b.txt": ("b.txt", "")}, "http://localhost/x.zip")
ELSEWHERE = (
    "../../b.txt",
    "/b.txt",
    "../train/../../b.txt",
    "train/../../../b.txt",
    "..\\..\\b.txt",
    "C:\\b.txt",
    "./../b.txt",
    "a.txt/../../b.txt",
)
"""Names of members of archives that lead out of the folder."""


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Returns a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """Returns a gzipped tar archive, with symbolic links where they are wanted, before the files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def slip(workshop: Workshop) -> Outcome:
    """Unpacks archives whose members have names that lead elsewhere."""
    outcome = Outcome(
        "an archive with members that lead elsewhere (zip, tar, zip in zip, links)", "its files come to their places, and no others"
    )
    for i, name in enumerate(ELSEWHERE):
        files = {"top/a.txt": TEXT, "top/b.txt": b"b", name: b"elsewhere", f"{name}.exe": b"elsewhere"}
        archives = {
            "zip": zipped(files),
            "tar": tarred(files),
            "zip in zip": zipped({"top/inner.zip": zipped(files)}),
            "link": tarred({"top/a.txt": TEXT, "b.txt": b"b"}, {"train": "../..", name: "/etc/passwd"}),
        }
        for kind, content in archives.items():
            place = workshop.place(f"slip/{i}-{kind}")
            outcome.count(f"{kind} with {name}", unpacked(place, content))
    return outcome


def unpacked(place: pathlib.Path, archive: bytes) -> str:
    """Unpacks an archive below a folder; returns what is wrong then."""
    (place / "archive").write_bytes(archive)
    try:
        unpack(SOURCE, str(place / "archive"), str(place / "root" / "corpus"))
    except UserError:
        return "refused"
    found = {path: content for path, content in _files(place).items() if path != "archive"}
    wanted = {"root/corpus/train/a.txt": TEXT, "root/corpus/b.txt": b"b"}
    return "" if found == wanted else f"it wrote {sorted(found)}"


def _files(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</title><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "<a href=javascript:alert(1)>a</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "{{ 7 * 7 }}",
    "{% for x in y %}",
    "<!-- --><iframe src=http://localhost>",
    "<style>*{display:none}</style>",
    "</pre></td></table><b>bold</b>",
    "<base href=//localhost>",
    "]]><script>alert(1)</script>",
    "<math><mi xlink:href=data:x>",
    "\x1b[2Jcleared",
    "<meta http-equiv=refresh content=0>",
)
"""Texts that are markup where they are not escaped."""


class _Markup(html.parser.HTMLParser):
    """Counts tags, and finds attributes that act."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.acting: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        addresses = [value or "" for name, value in attributes if name in ("href", "src", "action", "xlink:href", "http-equiv")]
        self.acting += [name for name, _ in attributes if name.startswith("on")]
        self.acting += [value for value in addresses if not value.startswith(("#", "data:image/png;base64,", "Content-Security-Policy"))]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def escape(workshop: Workshop) -> Outcome:
    """Reports on runs whose texts and classes are markup."""
    outcome = Outcome("a text or a class that is markup, in a report", "the page's tags and addresses are those of plain texts")
    plain = _page(workshop, "plain", ["plain words of a kind"] * len(HOSTILE), ["a", "b"])
    allowed = _Markup(plain).tags
    page = _page(workshop, "hostile", HOSTILE, HOSTILE[:2])
    found = _Markup(page)
    for text in HOSTILE:
        problem = (
            "it stands there as it is" if text in page and "<" in text else "a control character" * ("\x1b" in text and "\x1b" in page)
        )
        outcome.count(text, problem or ("49" if text.startswith("{{") and "<p>49" in page else ""))
    outcome.count("tags", ", ".join(sorted(found.tags - allowed)))
    outcome.count("attributes", ", ".join(found.acting[:5]))
    words = "".join(found.words)
    outcome.figures = {"shown": sum(visible(text) in words for text in HOSTILE)}
    return outcome


def _page(workshop: Workshop, name: str, texts: tuple[str, ...] | list[str], classes: tuple[str, ...] | list[str]) -> str:
    """The report of a run whose texts are these, many times over."""
    many = [f"{text} {i}" for i in range(6) for text in texts]
    config = resolve("dem_vae", "text", base={**SMOKE, "training.epochs": 1, "data.tokenizer": "word"})
    labels = [classes[i % len(classes)] for i in range(len(many))]
    _, run = fit(config, str(workshop.folder / name), texts=many, labels=labels, bar=False, say=lambda line: None)
    return report(str(run.path), say=lambda line: None).read_text(encoding="utf-8")
