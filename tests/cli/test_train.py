"""tfvae-train as a user meets it: what it prints, and one line for each mistake."""

import functools
import os
import resource
import signal
import subprocess
import sys

import pytest

from tfvae.cli.command import SHORT_NAMES
from tfvae.cli.model import SMOKE
from tfvae.config import describe_fields
from tfvae.registry import resolve
from tfvae.training.fit import fit


@pytest.fixture
def run(command):
    """Runs the command: returns (status, standard output, standard error)."""
    return functools.partial(command, "train")


@pytest.fixture
def refused(refuse):
    """Checks that the command ends with status 2 and one line on standard error, and returns the line."""
    return functools.partial(refuse, "train")


@pytest.fixture
def corpus(tmp_path):
    """A file of a hundred short sentences."""
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"the {'red' if i % 2 else 'blue'} bird number {i % 10} sings\n" for i in range(100)))
    return path


def test_smoke_trains_and_prints_sentences_of_components(run, tmp_path):
    status, out, _ = run("--smoke", f"--run={tmp_path / 'smoke'}")
    assert status == 0
    assert "Sentences from the busiest components" in out and out.count("of the validation sentences") == 5
    assert (tmp_path / "smoke" / "model.weights.h5").exists()


def test_smoke_of_a_model_without_codes_prints_sentences_of_the_prior(run):
    status, out, _ = run("--smoke", "--model=vae")
    assert status == 0 and "Sentences from the prior" in out


def test_a_user_s_file_trains(run, corpus):
    status, out, err = run("--smoke", "--data=text", f"--train_file={corpus}", "--run=r")
    assert status == 0, err
    assert "text: 80 training and 10 validation sentences" in out


def test_labelled_and_compressed_files_train(run, tmp_path):
    import gzip

    with gzip.open(tmp_path / "t.gz", "wt") as file:
        file.writelines(f"{'colour' if i % 2 else 'size'}\tthe bird {i} is {'red' if i % 2 else 'big'}\n" for i in range(60))
    status, _, err = run("--smoke", "--data=text", "--train_file=t.gz", "--run=r")
    assert status == 0, err


def test_ptb_trains(run, data_dir):
    status, out, err = run("--smoke", "--data=ptb", f"--data_dir={data_dir / 'ptb'}", "--run=r")
    assert status == 0, err
    assert "ptb: 300 training" in out


def test_help_lists_the_flags_and_helpfull_every_field(run):
    status, out, _ = run("--help")
    assert status == 0 and all(f"--{name}:" in out for name in SHORT_NAMES) and "--config.latent" not in out
    _, out, _ = run("--helpfull")
    assert all(f"--config.{path}:" in out for path in describe_fields())


def test_flags_win_over_a_file_and_short_names_over_flags(run, tmp_path):
    from tfvae.training.run import Run

    (tmp_path / "c.json").write_text('{"model": "gm_vae", "latent": {"dim": 3, "components": 4}, "training": {"seed": 5}}')
    status, _, err = run("--smoke", "--config_file=c.json", "--config.latent.components=6", "--components=7", "--run=r")
    assert status == 0, err
    config = Run(tmp_path / "r").config()
    assert (config.model, config.latent.dim, config.latent.components, config.training.seed) == ("gm_vae", 3, 7, 5)


def test_a_run_s_own_configuration_file_repeats_it(run, tmp_path):
    run("--smoke", "--run=a", "--components=3")
    status, _, err = run("--config_file=a/config.json", "--run=b")
    assert status == 0, err
    figures = [[line.split('"seconds"')[0] for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()] for name in "ab"]
    assert figures[0] == figures[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model=dem_va"], "--model=dem_va is not a model, did you mean 'dem_vae'?"),
        (["--data=demos"], "--data=demos is not a corpus, did you mean 'demo'?"),
        (["--modle=vae"], "--modle is not a flag, did you mean 'model'?"),
        (["--config.latent.dims=3"], "did you mean 'config.latent.dim'?"),
        (["model=vae"], "'model=vae' is not a flag: write --name=value, did you mean 'model'?"),
        (["--components=0"], "config.latent.components = 0: must be at least 1"),
        (["--components=five"], "config.latent.components = 'five': must be a whole number"),
        (["--beta=1.5"], "config.objective.beta = 1.5: must be at least 0 and at most 1"),
        (["--beta=-0.1"], "must be at least 0 and at most 1"),
        (["--config.latent.family=von_mises_fisher", "--kappa=0"], "config.latent.kappa = 0.0: must be above 0"),
        (["--config.latent.family=von_mises_fisher", "--kappa=-3"], "must be above 0"),
        (["--model=vae", "--beta=0.5"], "config.objective.beta means nothing for model vae: its prior is no mixture; leave it out"),
        (["--kappa=10"], "config.latent.kappa means nothing for model dem_vae: its latent space is no sphere; leave it out"),
        (["--config.model=vae"], "--config.model: use --model"),
        (["--resume", "--overwrite"], "--overwrite and --resume contradict each other"),
        (["--config.decoder.z_to_output=false", "--config.decoder.z_to_inputs=none", "--config.decoder.z_to_state=no"], "would not reach"),
        (["--config_file=missing.json"], "missing.json: no such file; check --config_file"),
        (["--run=/proc/none"], "--run=/proc/none cannot be made"),
        (["--data=text"], "train_file"),
        (["--data=text", "--train_file=missing.txt"], "missing.txt"),
        (["--data=ptb", "--data_dir=nowhere"], "nowhere"),
        (["--resume=perhaps"], "resume"),
        (["--smoke", "--run=" + "r" * 300], "File name too long"),
        (["--smoke", "--run=a\udcff"], r"--run='a\udcff': must be text in UTF-8, without NUL"),
        (["--smoke", "--epochs=99999999999999999999"], "config.training.epochs = 99999999999999999999: must be at most 2147483647"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(refused, arguments, message):
    assert message in refused(*arguments)


@pytest.mark.parametrize(
    ("content", "flags", "message"),
    [
        ("{", [], "is not valid JSON"),
        ("[1]", [], "must hold an object"),
        ('{"model": 5}', [], "--model=5 is not a model"),
        ('{"data": {"name": 5}}', [], "--data=5 is not a corpus"),
        ('{"data": 5}', [], "config.data = 5: must be an object"),
        ('{"model": "gm_vae"}', ["--model=vae"], "the configuration file is for --model=gm_vae, not vae: leave out --model"),
        ('{"data": {"name": "demo"}}', ["--data=ptb"], "leave out --data"),
    ],
)
def test_a_bad_configuration_file_is_one_line(refused, tmp_path, content, flags, message):
    (tmp_path / "c.json").write_text(content)
    assert message in refused("--config_file=c.json", *flags)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "texts.txt"),
        (b"only one sentence\n", "too few"),
        (b"good line\nbad \xff line\n" * 5, "texts.txt:2"),
        (b"binary\x00file\n" * 20, "texts.txt"),
        (b"\n\n\n", "texts.txt"),
        (b"a\tlabelled text\nan unlabelled one\n" * 9, "texts.txt:2"),
    ],
)
def test_a_bad_corpus_is_named_with_its_line(refused, corpus, content, message):
    corpus.write_bytes(content)
    assert message in refused("--smoke", "--data=text", f"--train_file={corpus}")


def test_a_bad_corpus_leaves_no_run_directory(refused, corpus, tmp_path):
    corpus.write_bytes(b"")
    refused("--data=text", f"--train_file={corpus}", "--run=r")
    assert not (tmp_path / "r").exists()


def test_a_line_of_100_000_words_is_cut_with_a_warning_that_names_it(run, corpus):
    lines = corpus.read_text().splitlines()
    lines[41] = "word " * 100_000
    corpus.write_text("\n".join(lines) + "\n")
    status, _, err = run("--smoke", "--data=text", f"--train_file={corpus}", "--run=r")
    assert status == 0
    assert f"{corpus}:42: 100001 tokens" in err


def test_an_existing_run_is_kept_unless_told_otherwise(run, refused):
    run("--smoke", "--run=r")
    assert "a run is there already; add --resume to continue it, --overwrite to replace it" in refused("--smoke", "--run=r")
    assert "another configuration's: config.latent.components is 4 there and 3 here" in refused(
        "--smoke", "--run=r", "--resume", "--components=3"
    )
    assert run("--smoke", "--run=r", "--resume")[0] == 0
    assert "training had ended: 2 epochs" in run("--run=r", "--resume")[1]
    assert run("--smoke", "--run=r", "--overwrite", "--components=3")[0] == 0


@pytest.mark.slow
def test_a_run_of_texts_from_memory_goes_on_wherever_it_is(run, tmp_path):
    config = resolve("dem_vae", "text", base={**SMOKE, "training.epochs": 1})
    _, place = fit(config, str(tmp_path / "r"), texts=["the red bird sings", "a blue bird sleeps"] * 20, say=lambda line: None)
    place.path.rename(tmp_path / "moved")
    status, out, _ = run("--run=moved", "--resume", "--epochs=2")
    assert status == 0 and "resumed after epoch 1" in out


def test_a_full_disk_ends_in_one_line_and_the_run_resumes(tmp_path):
    """A limit on the size of files stands for the disk: writing fails half way in the same way."""
    command = [sys.executable, "-m", "tfvae.cli.train", "--smoke", f"--run={tmp_path / 'r'}"]

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    full = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True)
    assert full.returncode == 2, full.stderr
    assert "Traceback" not in full.stderr and "then --resume" in full.stderr
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGINT, signal.SIGHUP))])
def test_a_signal_ends_training_and_says_how_to_go_on(number, tmp_path):
    command = [sys.executable, "-u", "-m", "tfvae.cli.train", "--smoke", "--epochs=5000", f"--run={tmp_path / 'r'}"]
    # A shell's background jobs ignore interrupts, and so would this one if the tests run in one.
    heed = {"preexec_fn": lambda: signal.signal(number, signal.SIG_DFL)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **heed) as process:
        try:
            for line in process.stdout:
                if line.startswith("epoch"):
                    break
            os.kill(process.pid, number)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    said = "interrupted" if number == signal.SIGINT else f"ended by {number.name}"
    assert process.returncode == 128 + number and "Traceback" not in err
    assert err.splitlines()[-1] == f"error: {said}; --resume goes on from the last whole epoch"


@pytest.mark.parametrize(("variable", "value"), [("KERAS_BACKEND", "jax"), ("TF_USE_LEGACY_KERAS", "1")])
def test_an_environment_that_breaks_keras_is_named(variable, value):
    environment = {**os.environ, variable: value}
    process = subprocess.run([sys.executable, "-c", "import tfvae"], env=environment, capture_output=True, text=True)
    assert variable in process.stderr.splitlines()[-1]
