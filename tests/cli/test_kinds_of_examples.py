"""Documents and images through the commands, as a user meets them."""

import json

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf

from tfvae.cli.model import SMOKE
from tfvae.evaluation.evaluate import evaluate, figures_of
from tfvae.export.saved_model import export
from tfvae.export.settings import Settings
from tfvae.registry import resolve
from tfvae.reports.report import report
from tfvae.training.fit import fit, load

SMALL = {"encoder.hidden_dim": 8, "decoder.hidden_dim": 8, "latent.hidden_dim": 8, "training.epochs": 1}
FEW = {"latent.variables": 2, "latent.components": 3, "latent.dim": 3}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A run of dem_vae on a few images, as files of MNIST have them."""
    folder = tmp_path_factory.mktemp("images")
    draw = np.random.default_rng(0)
    digits = draw.integers(0, 3, 10_080).astype(np.uint8)
    grey = (draw.random([10_080, 28, 28]) * 255 * (np.arange(28) // 10 == digits[:, None, None])).astype(np.uint8)
    arrays = {"x_train": grey[:10_040], "y_train": digits[:10_040], "x_test": grey[10_040:], "y_test": digits[10_040:]}
    np.savez(folder / "mnist.npz", **arrays)
    base = {**SMALL, **FEW, "data.dir": str(folder), "data.limit": 40, "data.eval_batch_size": 16}
    fit(resolve("dem_vae", "mnist", base=base), str(folder / "run"), say=lambda _: None)
    return folder


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """A run of dem_vae on bags of words."""
    folder = tmp_path_factory.mktemp("documents")
    kinds = {"encoder.kind": "bag_of_words", "decoder.kind": "bag_of_words"}
    fit(resolve("dem_vae", "demo", base={**SMOKE, **SMALL, **kinds, "data.limit": 120}), str(folder / "run"), say=lambda _: None)
    return folder


def values(answer):
    return {figure.full_name: figure.value for figure in figures_of(answer)}


def read_png(path):
    return np.round(matplotlib.image.imread(path)[..., 0] * 255).astype(int)


def test_images_are_written_as_png_files(command, images):
    run = f"--run={images / 'run'}"
    status, out, err = command("generate", run, "--num=12", "--component=1:2")
    assert status == 0 and out == f"Images are in {images / 'run' / 'generated.png'}\n", err
    assert read_png(images / "run" / "generated.png").shape == (2 * (2 * 30 + 2), 2 * (10 * 30 + 2))
    status, out, err = command("reconstruct", run, f"--output={images / 'pairs.png'}")
    assert status == 0 and "Images are in" in out, err
    pairs = read_png(images / "pairs.png")[::2, ::2]
    assert pairs.shape == (2 * 30 + 2, 5 * 30 + 2)
    np.testing.assert_array_equal(pairs[2:30, 2:30], np.load(images / "mnist.npz")["x_test"][0])
    status, out, err = command("interpolate", run, "--num=4")
    assert status == 0 and read_png(images / "run" / "interpolated.png").shape == (2 * 32, 2 * (6 * 30 + 2)), err
    np.savez(images / "mine.npz", images=np.load(images / "mnist.npz")["x_test"][:3])
    assert command("reconstruct", run, f"--input={images / 'mine.npz'}")[0] == 0


@pytest.mark.parametrize(
    ("verb", "flags", "message"),
    [
        ("generate", ["--output=x.txt"], "a name that ends in .png is wanted"),
        ("generate", ["--method=beam"], "method = 'beam' is not one of this model's decoder"),
        ("generate", ["--max_length=4"], "max_length means nothing for this model's decoder, which has method, temperature"),
        ("reconstruct", ["--text=a"], "--text: this model has images, which a command line cannot name"),
        ("reconstruct", ["--input=nowhere.npz"], "nowhere.npz: no such file"),
        ("encode", ["--input=x", "--output=y.npz"], "this model encodes images"),
        ("evaluate", ["--metrics=nothing"], "no such group of figures"),
    ],
)
def test_what_images_cannot_do_is_an_error_in_a_line(command, images, verb, flags, message):
    status, _, err = command(verb, f"--run={images / 'run'}", *flags)
    assert status == 2 and message in err and len(err.splitlines()) == 1


def test_images_are_evaluated_by_what_makes_sense_for_them(images):
    answer = evaluate(str(images / "run"), samples=4, sentences=10)
    assert set(answer["metrics"]) == {"likelihood", "latent", "labels", "pixels"}
    figures = values(answer)
    assert figures["images"] == 40 and figures["pixels"] == 40 * 784
    assert figures["bits_per_dimension_bound"] == pytest.approx(figures["nll_bound"] / 784 / np.log(2))
    assert 0.5 < figures["pixels_reconstructed"] <= 1 and "accuracy_mlp[digit]" in figures
    assert any(name.startswith("homogeneity[digit, k-means of") for name in figures) and not any("LDA" in name for name in figures)
    absent = evaluate(str(images / "run"), metrics=["samples", "topics"])["metrics"]
    assert {name: absent[name]["absent"] for name in ("samples", "topics")} == dict.fromkeys(
        ("samples", "topics"), "its examples are no texts"
    )


def test_a_report_shows_images(images):
    page = report(str(images / "run")).read_text()
    assert page.count('<img class="item"') > 50 and "Images from the prior" in page and "28 x 28 pixels" in page


def test_an_export_takes_and_gives_images(images):
    path = export(str(images / "run"), str(images / "saved"), settings=Settings(samples=3, steps=3))
    model, served = load(str(images / "run"), precision="float32"), tf.saved_model.load(str(path)).signatures
    some = np.load(images / "mnist.npz")["x_test"][:3]
    answer = served["encode"](images=tf.constant(some))
    np.testing.assert_allclose(answer["mean"][0], model.encode(some[:1])["mean"][0], rtol=1e-4, atol=1e-5)
    assert served["interpolate"](start=tf.constant(some), end=tf.constant(some))["images"].shape == (3, 3, 28, 28)
    made = served["generate"](seed=tf.constant([7, 8]), components=tf.constant([[1, -1], [9, 0]]))
    np.testing.assert_array_equal(made["images"][0], model.generate(1, component=[1, -1], seed=7)[0][0])
    assert made["status"].numpy().tolist()[0] == b"" and b"components" in made["status"].numpy()[1] and not made["images"][1].numpy().any()
    assert served["score"](images=tf.constant(some))["pixels"].numpy().tolist() == [784] * 3
    requests = path / "requests"
    assert "@requests/encode.json" in (path / "README.md").read_text() and "encode.json" in {file.name for file in requests.iterdir()}
    body = json.loads((requests / "encode.json").read_text())
    assert np.shape(body["inputs"]["images"]) == (2, 28, 28)


def test_words_of_a_component_are_listed(command, documents):
    status, out, err = command("generate", f"--run={documents / 'run'}", "--num=2", "--component=0:1")
    assert status == 0 and all(len(set(line.split())) == 10 for line in out.splitlines()), err
    status, _, err = command("generate", f"--run={documents / 'run'}", "--temperature=0.5")
    assert status == 2 and "--temperature means nothing for --method=greedy" in err
    drawn = command("generate", f"--run={documents / 'run'}", "--num=2", "--method=sample", "--max_length=4")[1]
    assert all(len(line.split()) == 4 for line in drawn.splitlines())


def test_documents_are_evaluated_with_topics_beside_those_of_lda(documents):
    answer = evaluate(str(documents / "run"), samples=4, sentences=10)
    assert set(answer["metrics"]) == {"likelihood", "latent", "labels", "topics"}
    figures = values(answer)
    assert figures["perplexity_bound"] == pytest.approx(np.exp(figures["nll_bound"] * figures["sentences"] / figures["words"]))
    assert "perplexity_bound_without_eos" not in figures
    for kind in ("component", "lda"):
        assert -1 <= figures[f"coherence_npmi_{kind}"] <= 1 and 0 <= figures[f"coherence_c_v_{kind}"] <= 1
        assert figures[f"coherence_u_mass_{kind}"] <= 0 and 0 < figures[f"diversity_{kind}"] <= 1


@pytest.mark.slow
def test_documents_are_reported_and_exported(documents):
    page = report(str(documents / "run")).read_text()
    assert "most relevant words" in page
    path = export(str(documents / "run"), str(documents / "saved"), settings=Settings(samples=3, steps=3))
    served = tf.saved_model.load(str(path)).signatures
    texts = served["generate"](seed=tf.constant([1]), components=tf.constant([[1, -1]]))["sentences"].numpy()
    assert len(texts[0].split()) == 10
    assert served["score"](texts=tf.constant(["the train was slow"]))["words"].numpy().tolist() == [4]
