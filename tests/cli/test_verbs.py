"""The commands that use a trained model, as a user meets them."""

import json
import pathlib
import subprocess
import sys

import pytest

from tfvae.cli.model import SMOKE
from tfvae.registry import resolve
from tfvae.training.fit import fit

COMMANDS = ("generate", "reconstruct", "interpolate", "encode", "predict", "evaluate", "report")
ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs")
    for name in ("dem_vae", "vmf_vae", "rnn_lm"):
        fit(resolve(name, "demo", base={**SMOKE, "data.limit": 100, "training.epochs": 1}), str(directory / name), say=lambda _: None)
    return {path.name: f"--run={path}" for path in directory.iterdir()}


def test_generate_prints_a_sentence_a_line(command, runs):
    status, out, err = command("generate", runs["dem_vae"], "--num=3")
    assert status == 0 and len(out.splitlines()) == 3, err
    assert command("generate", runs["dem_vae"], "--num=2")[1] == "".join(out.splitlines(keepends=True)[:2])
    assert command("generate", runs["dem_vae"], "--num=3", "--seed=1")[1] != out
    assert len(command("generate", runs["rnn_lm"])[1].splitlines()) == 10


def test_generate_holds_components(command, runs):
    out = command("generate", runs["dem_vae"], "--num=20", "--component=0:1", "--component=1:3", "--format=jsonl")[1]
    assert all(json.loads(line)["codes"] == [1, 3] for line in out.splitlines())
    out = command("generate", runs["dem_vae"], "--num=20", "--component=1:2", "--format=jsonl")[1]
    codes = [json.loads(line)["codes"] for line in out.splitlines()]
    assert {code[1] for code in codes} == {2} and len({code[0] for code in codes}) > 1


def test_reconstruct_takes_texts_a_file_or_the_corpus(command, runs, tmp_path):
    (tmp_path / "t.txt").write_text("is this soup fresh ?\nthe train was slow .\n")
    given = command("reconstruct", runs["vmf_vae"], "--text=is this soup fresh ?", "--text=the train was slow .")[1]
    assert given.splitlines()[0] == "is this soup fresh ?" and given.splitlines()[1].startswith("  ") and len(given.splitlines()) == 4
    assert command("reconstruct", runs["vmf_vae"], "--input=t.txt")[1] == given
    out = command("reconstruct", runs["vmf_vae"], "--format=jsonl", "--method=beam", "--beam_width=2")[1]
    assert [set(json.loads(line)) for line in out.splitlines()] == [{"text", "reconstruction"}] * 5


def test_interpolate_goes_from_one_text_to_the_other(command, runs):
    ends = ("is this soup fresh ?", "the train was slow .")
    out = command("interpolate", runs["dem_vae"], f"--start={ends[0]}", f"--end={ends[1]}", "--num=4")[1].splitlines()
    assert (out[0], out[-1]) == ends and len(out) == 6
    assert len(command("interpolate", runs["vmf_vae"])[1].splitlines()) == 9


def test_predict_says_the_classes_that_labels_taught(command, runs, tmp_path):
    labels = {"objective.labels": "topic:0,act:1", "latent.components": 5}
    config = resolve("dem_vae", "demo", base={**SMOKE, **labels, "data.limit": 60, "training.epochs": 1})
    model, _ = fit(config, str(tmp_path / "taught"), say=lambda _: None)
    taught, texts = f"--run={tmp_path / 'taught'}", ["is this soup fresh ?", "the train was slow ."]
    out = command("predict", taught, f"--text={texts[0]}", f"--text={texts[1]}", "--label=act")[1].splitlines()
    said = model.predict(texts, "act")
    assert out == [f"{c} {p.max():.3f}\t{t}" for c, p, t in zip(said["predicted"], said["probabilities"], texts, strict=True)]
    assert command("predict", taught, f"--text={texts[0]}", "--output=out.jsonl")[0] == 0
    line = json.loads((tmp_path / "out.jsonl").read_text())
    assert list(line["labels"]) == ["topic", "act"] and line["labels"]["act"]["predicted"] == said["predicted"][0]
    assert sum(line["labels"]["topic"]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    status, _, err = command("predict", runs["dem_vae"], "--text=so")
    assert status == 2 and "no label supervised this model's codes" in err


def test_encode_writes_a_file_and_says_what_it_skipped(command, runs, tmp_path):
    (tmp_path / "t.txt").write_text("is this soup fresh ?\n\nthe train was slow .\n")
    status, out, err = command("encode", runs["dem_vae"], "--input=t.txt", "--output=codes.jsonl")
    assert status == 0 and "2 texts into codes.jsonl" in out and "1 line (2) is blank: skipped" in err
    assert len((tmp_path / "codes.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("name", ["encode", *(pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS if name != "encode")])
def test_smoke_goes_the_whole_path(command, name):
    status, out, err = command(name, "--smoke")
    assert status == 0 and out, err
    assert name != "encode" or "300 texts into" in out


def test_evaluations_are_compared_in_a_table_on_screen_or_in_a_file(command, refuse, runs, tmp_path):
    small = ("--metrics=likelihood,labels", "--samples=3", "--sentences=10")
    status, out, err = command("evaluate", runs["rnn_lm"], *small)
    assert status == 0 and "perplexity_bound" in out and "labels: this model has no latent variable" in err
    assert "likelihood: is there" in command("evaluate", runs["rnn_lm"], *small)[2]
    assert command("evaluate", runs["vmf_vae"], *small)[0] == 0
    both = "--compare=" + ",".join(runs[name].removeprefix("--run=") for name in ("rnn_lm", "vmf_vae"))
    out = command("evaluate", both)[1]
    assert out.startswith("| model | NLL | -ELBO |") and "vmf_vae" in out.splitlines()[3] and "All rows have" in out
    assert command("evaluate", both, "--output=table.md")[1] == "2 rows in table.md\n"
    assert (tmp_path / "table.md").read_text() == out
    assert command("evaluate", both, "--output=table.csv")[0] == 0
    assert (tmp_path / "table.csv").read_text().startswith("model,figure,runs,mean,deviation,error,seeds\nrnn_lm data.limit=")
    assert "--output=table.txt: a name that ends in .md or .csv is wanted" in refuse("evaluate", both, "--output=table.txt")
    assert "was not evaluated on valid" in refuse("evaluate", both, "--split=valid")


def test_results_are_made_of_evaluated_runs(command, refuse, runs, tmp_path):
    assert "no run is kept there; name evaluated ones in --runs" in refuse("results")
    assert command("evaluate", runs["vmf_vae"], "--metrics=likelihood", "--samples=3", "--sentences=10")[0] == 0
    status, out, err = command("results", runs["vmf_vae"].replace("--run=", "--runs="))
    assert status == 0 and "docs/runs/demo/vmf_vae" in out and "1 runs in docs/results.md" in out, err
    page = (tmp_path / "docs" / "results.md").read_text()
    assert page.startswith("# Results") and "--model=vmf_vae --data=demo" in page
    assert command("results")[0] == 0 and (tmp_path / "docs" / "results.md").read_text() == page


def test_a_reader_that_has_had_enough_is_no_error(runs):
    command = [sys.executable, "-m", "tfvae.cli.generate", runs["dem_vae"], "--num=20000", "--max_length=2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        complaints = process.stderr.read()
    assert "Traceback" not in complaints and "BrokenPipe" not in complaints and "error:" not in complaints
    assert process.returncode == 0


def test_a_run_finds_its_files_from_anywhere(command, tmp_path):
    (tmp_path / "t.txt").write_text("".join(f"word{i % 7} word{i % 5}\n" for i in range(40)))
    assert command("train", "--smoke", "--data=text", "--train_file=t.txt", "--run=r")[0] == 0
    command_line = [sys.executable, "-m", "tfvae.cli.reconstruct", f"--run={tmp_path / 'r'}"]
    done = subprocess.run(command_line, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 8, done.stderr


def test_two_sentences_are_needed_to_interpolate(command, refuse, tmp_path):
    (tmp_path / "t.txt").write_text("".join(f"word{i} word\n" for i in range(3)))
    assert command("train", "--smoke", "--data=text", "--train_file=t.txt", "--run=r")[0] == 0
    assert "give --start and --end" in refuse("interpolate", "--run=r")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_and_a_script_and_wants_a_run(command, refuse, name):
    status, out, _ = command(name, "--help")
    assert status == 0 and "--run:" in out and "--smoke:" in out
    assert f"tfvae.cli.{name} import main" in (ROOT / "scripts" / f"{name}.py").read_text()
    files = ["--input=x", "--output=y.npz"] if name == "encode" else []
    assert "--run is missing" in refuse(name, *files)
    assert "no run is there" in refuse(name, "--run=nowhere", *files)


@pytest.mark.parametrize(
    ("name", "run", "arguments", "message"),
    [
        ("generate", "dem_vae", ["--component=0"], "--component=0: must be j:k"),
        ("generate", "dem_vae", ["--component=a:b"], "must be j:k"),
        ("generate", "dem_vae", ["--component=0:4"], "variables are numbered 0 to 1 and components 0 to 3"),
        ("generate", "dem_vae", ["--component=2:0"], "variables are numbered 0 to 1"),
        ("generate", "dem_vae", ["--component=0:1", "--component=0:2"], "variable 0 is held twice"),
        ("generate", "vmf_vae", ["--component=0:1"], "this model's prior is no mixture"),
        ("generate", "dem_vae", ["--method=beem"], "did you mean 'beam'"),
        ("generate", "dem_vae", ["--temperature=0"], "temperature = 0.0: must be above 0"),
        ("generate", "dem_vae", ["--beam_width=3"], "--beam_width means nothing for --method=sample"),
        ("generate", "dem_vae", ["--num=0"], "num"),
        ("generate", "dem_vae", ["--nmu=3"], "did you mean 'num'"),
        ("reconstruct", "dem_vae", ["--top_k=3"], "--top_k means nothing for --method=greedy"),
        ("reconstruct", "rnn_lm", [], "no latent variable: it can only generate and score"),
        ("reconstruct", "dem_vae", ["--text=a", "--input=b"], "two sources of texts"),
        ("reconstruct", "dem_vae", ["--input=missing.txt"], "missing.txt: no such file; check --input"),
        ("interpolate", "rnn_lm", [], "no latent variable"),
        ("interpolate", "dem_vae", ["--start=a"], "--start and --end belong together"),
        ("encode", "dem_vae", [], "--input and --output are both needed"),
        ("encode", "rnn_lm", ["--input=x", "--output=y.npz"], "no latent variable: it cannot encode"),
        ("encode", "dem_vae", ["--input=x", "--output=y.txt"], "must end in .jsonl or .npz"),
        ("encode", "dem_vae", ["--input=x", "--output=y.npz"], "x: no such file; check --input"),
        ("evaluate", "dem_vae", ["--split=tset"], "--split=tset: no such split, did you mean 'test'?"),
        ("evaluate", "dem_vae", ["--metrics=blue"], "--metrics=blue: no such group of figures"),
        ("evaluate", "dem_vae", ["--samples=0"], "--samples=0: must be at least 1"),
        ("evaluate", "dem_vae", ["--output=x.md"], "--output is the file that --compare writes"),
        ("evaluate", "dem_vae", ["--compare=x"], "--run and --compare are two things to do"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(refuse, runs, name, run, arguments, message):
    assert message in refuse(name, runs[run], *arguments)


def test_codes_are_not_written_beside_the_model_that_comes_along(refuse):
    assert "--run=demo comes with tfvae and stays as it is" in refuse("encode", "--run=demo", "--smoke")
