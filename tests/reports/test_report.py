import html
import html.parser
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from tfvae.cli.model import SMOKE
from tfvae.data import corpora
from tfvae.evaluation.evaluate import evaluate
from tfvae.evaluation.subject import Subject
from tfvae.registry import resolve
from tfvae.registry.models import OF_ANY
from tfvae.reports import pictures, space
from tfvae.reports.report import CURVES, report
from tfvae.topics.workbench import Workbench
from tfvae.training.fit import fit, load

TINY = {**SMOKE, "data.limit": 100}
ODD = [
    "<script>alert('x')</script> & <b>bold</b>",
    "שלום עולם טוב",
    "東京 は 大きい 都市",
    "مرحبا بالعالم اليوم",
    'a "quoted" word',
    "plain words here",
]


needs_chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium")


class Page(html.parser.HTMLParser):
    """Checks that tags are closed in order, and collects what the page refers to and its text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.tags, self.text = [], [], set(), []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "action")]
        if tag not in ("meta", "img", "source", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(path):
    page = Page(path.read_text(encoding="utf-8"))
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in page.addresses), "a request leaves the page"
    assert not page.tags & {"script", "iframe", "link", "object"}
    return page


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Runs of two epochs of gm_vae and dem_vae."""
    home = tmp_path_factory.mktemp("runs")
    for name in ("gm_vae", "dem_vae"):
        fit(resolve(name, "demo", base=TINY), str(home / name), say=lambda line: None)
    return home


def test_the_page_shows_all_there_is_of_a_mixture(trained):
    left_out = []
    path = report(str(trained / "dem_vae"), compare=[str(trained / "gm_vae")], say=left_out.append)
    page = read(path)
    assert [address for address in page.addresses if address.startswith("#")] == [
        f"#{name}" for name in ("figures", "components", "labels", "space", "training", "walks", "sentences", "notes")
    ]
    text = path.read_text()
    assert text.count("<article") == 8 and "python scripts/train.py --model=dem_vae" in text
    names = {file.name for file in (path.parent / "pictures").iterdir()}
    of_labels = ["labels-act", "labels-polarity", "labels-topic", "space-labels"]
    drawn = ["curves", *of_labels, "space-neighbours", "space-variables", "space-whole", "training"]
    assert names == {f"{picture}.{ending}" for picture in drawn for ending in ("png", "svg")}
    assert left_out == ["No paper's figures of the test split of demo are known here."]
    assert "the mixture has collapsed" in text  # two epochs in which w is next to nothing
    shares = [float(share) for share in re.findall(r"<p class=\"what\">([\d.]+) % of the sentences,", text)]
    assert sum(shares) == pytest.approx(200, abs=0.5) and shares[:4] == sorted(shares[:4], reverse=True)
    bench = Workbench(str(trained / "dem_vae"))  # topics are called alike wherever they are shown
    names = {f"{j}:{topic} {html.escape(name)}</h4>" for j in (0, 1) for topic, name in bench.names(j).items()}
    assert names and all(f">{name}" in text for name in names)


def test_figures_of_an_evaluation_are_shown_until_the_run_is_trained_further(untrained, tmp_path):
    run = untrained(tmp_path / "run", "rnn_lm")
    evaluate(str(run.path), metrics=["likelihood"], samples=3, sentences=10)
    before = [row.split("</th>")[0] for row in report(str(run.path)).read_text().split('<th class="number">')[1:]]
    assert before[:2] == ["NLL", "-ELBO"]
    run.weights_file.write_bytes(run.weights_file.read_bytes() + b"more")
    left_out = []
    after = [row.split("</th>")[0] for row in report(str(run.path), say=left_out.append).read_text().split('<th class="number">')[1:]]
    assert after[0] == "-ELBO" and "NLL" not in after
    assert "was trained further since it was evaluated" in " ".join(left_out)


def test_papers_rows_stand_beside_a_run_that_was_not_evaluated(untrained, tmp_path, data_dir):
    if not (data_dir / "ptb").is_dir():
        pytest.skip(f"no {data_dir / 'ptb'}")
    run = untrained(tmp_path / "run", "rnn_lm")
    values = json.loads(run.config_file.read_text())
    values["data"] |= {"name": "ptb", "dir": str(data_dir / "ptb")}
    run.config_file.write_text(json.dumps(values))
    text = "".join(read(report(str(run.path))).text)
    assert "DGM-VAE + L_mi (Shi et al. 2020, table 1)" in text and "this page shows the test split" in text


@pytest.mark.parametrize("name", ["rnn_lm", "ae", "vmf_vae", pytest.param("dem_vmf_vae", marks=pytest.mark.slow)])
def test_what_does_not_apply_to_a_model_is_left_out_with_a_word_why(untrained, tmp_path, name):
    left_out = []
    page = read(report(str(untrained(tmp_path / name, name).path), say=left_out.append))
    reasons = " ".join(left_out)
    assert ("No latent variable" in reasons) == (name == "rnn_lm")
    assert ("no mixture" in reasons) == (name in ("ae", "vmf_vae"))
    assert ("On a sphere" in reasons) == (name in ("vmf_vae", "dem_vmf_vae"))
    assert all(reason in "".join(page.text) for reason in left_out)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(OF_ANY) - {"rnn_lm", "ae", "vmf_vae", "dem_vmf_vae"}))
def test_every_other_model_has_a_page(untrained, tmp_path, name):
    read(report(str(untrained(tmp_path / name, name).path)))


def test_texts_of_any_script_one_component_and_no_labels(tmp_path):
    (tmp_path / "t.txt").write_text("\n".join(ODD * 12), encoding="utf-8")
    overrides = {"data.train_file": str(tmp_path / "t.txt"), "latent.components": 1, "latent.hidden_dim": 8}
    base = {key: value for key, value in SMOKE.items() if key != "data.limit"}
    fit(resolve("dem_vae", "text", overrides=overrides, base=base), str(tmp_path / "run"), say=lambda line: None)
    left_out = []
    path = report(str(tmp_path / "run"), say=left_out.append)
    page = read(path)
    text = "".join(page.text)
    for sentence in ODD[:4]:
        assert sentence.split()[-1] in text, "sentences are not shown as they are"
    assert re.search(r'dir="auto">[^<]*(שלום|مرحبا)', path.read_text(encoding="utf-8")), "right-to-left text has no direction of its own"
    assert "telling words" not in text.replace("no telling words", ""), "one component has no others to tell it from"
    assert "One component: its codes tell nothing" in " ".join(left_out) and "no labels" in " ".join(left_out)


@pytest.mark.slow
@pytest.mark.parametrize("corpus", ["ptb", "daily_dialog", "smd", "yahoo"])
def test_every_corpus_has_a_page(tmp_path, data_dir, corpus):
    if not (data_dir / corpus).is_dir():
        pytest.skip(f"no {data_dir / corpus}")
    more = {"data.split": "100,50,50"} if corpus == "yahoo" else {}
    config = resolve("dem_vae", corpus, base={**TINY, "data.dir": str(data_dir / corpus), **more})
    fit(config, str(tmp_path / "run"), say=lambda line: None)
    page = read(report(str(tmp_path / "run")))
    assert ("#labels" in page.addresses) == (corpus in ("daily_dialog", "smd"))


@pytest.mark.parametrize("name", ["rnn_lm", "vmf_vae", "dem_vae"])  # the others have the same terms
def test_every_term_of_a_model_has_a_curve(untrained, tmp_path, name):
    run = untrained(tmp_path / name, name)
    subject = Subject(load(str(run.path)), run.config(), corpora.read(run.config().data))
    assert subject.posteriors.totals.keys() <= CURVES.keys()


def test_a_split_of_two_sentences(untrained, tmp_path):
    run = untrained(tmp_path / "run", "gm_vae")
    values = json.loads(run.config_file.read_text())
    values["data"]["limit"] = 2
    run.config_file.write_text(json.dumps(values))
    read(report(str(run.path)))


def test_names_of_other_scripts_are_numbered_in_pictures():
    assert pictures.drawable("Grüße", 3) == "Grüße" and pictures.drawable("東京", 3) == "#3"
    assert pictures.drawable("_x", 0) == " _x" and pictures.drawable("$a$", 0) == r"\$a\$"


def test_planes_keep_two_dimensions_and_take_the_widest_of_more():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(50, 2))
    np.testing.assert_array_equal(space.plane(flat).points, flat)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
    view = space.plane(flat * [3.0, 1.0] @ turn + 1.0)
    np.testing.assert_allclose(view.project(flat * [3.0, 1.0] @ turn + 1.0), view.points, atol=1e-9)
    distances = [np.linalg.norm(points[:, None] - points[None], axis=-1) for points in (view.points, flat * [3.0, 1.0])]
    np.testing.assert_allclose(*distances, atol=1e-9)
    assert space.plane(flat[:, :1]).points.shape == (50, 2)
    assert space.neighbours(flat) is None


def browse(path, *options):
    """What headless Chromium prints of a page: its elements, and what went to its console."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--enable-logging=stderr"]
    answer = subprocess.run([*command, "--dump-dom", *options, path.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return answer.stdout, [line for line in answer.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def pages(trained, tmp_path_factory):
    """The page of a trained run and one of texts of any script, one of them a long word."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "t.txt").write_text("\n".join([*ODD, "x" * 300] * 12), encoding="utf-8")
    base = {key: value for key, value in SMOKE.items() if key != "data.limit"}
    fit(resolve("gm_vae", "text", overrides={"data.train_file": str(folder / "t.txt")}, base=base), str(folder / "run"), say=print)
    return [report(str(trained / "dem_vae")), report(str(folder / "run"))]


@needs_chromium
def test_nothing_goes_to_the_console_and_no_request_leaves_the_page(pages, tmp_path):
    for page in pages:
        assert browse(page)[1] == []
    # the page's own policy makes an error of every request
    asking = pages[0].read_text(encoding="utf-8").replace("</body>", '<img src="http://127.0.0.1:1/x.png"></body>')
    (tmp_path / "asking.html").write_text(asking, encoding="utf-8")
    assert "Content Security Policy" in browse(tmp_path / "asking.html")[1][0]


@needs_chromium
@pytest.mark.parametrize("width", [400, 1600])
def test_nothing_overflows_the_page(pages, tmp_path, width):
    """Chromium lays the page out in a frame of that width, its own windows being wider, and says how wide it came out."""
    probe = "<script>parent.postMessage(document.documentElement.scrollWidth + ' of ' + innerWidth, '*');</script>"
    listen = "<script>onmessage = event => { document.title = 'width ' + event.data; };</script>"
    (tmp_path / "frame.html").write_text(f'{listen}<iframe src="page.html" style="border: 0; width: {width}px; height: 900px"></iframe>')
    for page in pages:
        probed = page.read_text(encoding="utf-8").replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
        (tmp_path / "page.html").write_text(probed.replace("</body>", f"{probe}</body>"), encoding="utf-8")
        laid, seen = map(int, re.search(r"<title>width (\d+) of (\d+)", browse(tmp_path / "frame.html")[0]).groups())
        assert laid <= seen == width


@pytest.mark.slow
def test_a_page_says_how_well_labels_are_predicted(untrained, tmp_path):
    run = str(untrained(tmp_path / "run", "dem_vae", objective__labels="act:1").path)
    left_out = []
    assert "Labels that the model predicts were not evaluated" in " ".join([str(report(run, say=left_out.append)), *left_out])
    kept = evaluate(run, metrics=["predictions"])["metrics"]["predictions"]["figures"]
    page = read(report(run))
    accuracy = next(figure for figure in kept if figure["name"] == "prediction_accuracy")
    text = " ".join(page.text)
    assert f"{accuracy['value']:.3f} ±" in text and f"The model {accuracy['remark']}." in text
    assert "logistic regression on TF-IDF" in text and "the most frequent class" in text
