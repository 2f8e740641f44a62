import csv
import json

import numpy as np
import pytest

from tfvae.cli.model import SMOKE
from tfvae.data import demo
from tfvae.errors import UserError
from tfvae.export.saved_model import export
from tfvae.registry import resolve
from tfvae.reports.report import report
from tfvae.topics.table import COLUMNS
from tfvae.topics.workbench import Workbench
from tfvae.training.fit import fit, load


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of code_vae, its codes good and its sentences poor."""
    path = tmp_path_factory.mktemp("runs") / "run"
    config = resolve(
        "code_vae", "demo", base={**SMOKE, "training.epochs": 1, "inference.start_steps": 100, "inference.agreement_steps": 50}
    )
    fit(config, str(path), say=lambda line: None)
    return str(path)


@pytest.fixture
def bench(run):
    """The run with components as they are."""
    made = Workbench(run)
    made.reset()
    yield made
    made.reset()


def test_the_table_tells_every_topic_in_use(bench):
    rows = bench.table()
    assert all(tuple(row) == COLUMNS for row in rows) and {row["variable"] for row in rows} == {0, 1}
    for variable in (0, 1):
        assert sum(row["share"] for row in rows if row["variable"] == variable) == pytest.approx(1, abs=0.05)
    assert {"the", "?", "."} & {word for row in bench.table(stop_words="none") for word in row["words"]}
    content = [word for row in rows if row["variable"] == 1 for word in row["words"]]
    assert content and not {"the", "?", "."} & set(content)  # what is read from a view of content shows no stop words
    assert all(row["examples"] and len(row["generated"]) for row in rows)


def test_merged_topics_are_one_in_all_that_a_model_answers(bench, run, tmp_path):
    items = demo.read().test.items[:40]
    before = load(run).encode(items)
    first, second = (row["topic"] for row in bench.table()[:2])
    bench.merge([f"0:{first}", f"0:{second}"])
    bench.rename(f"0:{second}", "both")
    kept, gone = min(first, second), max(first, second)
    after = load(run).encode(items)
    expected = np.where(before["codes"][:, 0] == gone, kept, before["codes"][:, 0])
    joined = before["probabilities"][:, 0, first] + before["probabilities"][:, 0, second]
    np.testing.assert_allclose(after["probabilities"][:, 0, kept], joined, rtol=1e-5)
    assert np.mean(after["codes"][:, 0] == expected) > 0.9 and gone not in after["codes"][:, 0]
    np.testing.assert_array_equal(after["mean"], before["mean"])
    texts, codes = load(run).generate(30, component=[kept, -1])
    assert len(texts) == 30 and set(codes[:, 0].tolist()) == {kept}
    [row] = [row for row in bench.table() if row["name"] == "both"]
    assert row["topic"] == kept and row["share"] > 0.3
    # the weights and the components are as they were
    bench.reset()
    np.testing.assert_array_equal(load(run).encode(items)["codes"], before["codes"])


@pytest.mark.slow
def test_commands_reports_and_exports_know_of_edits(bench, run, tmp_path, command):
    kept, gone = sorted(row["topic"] for row in bench.table()[:2])
    bench.merge([f"0:{kept}", f"0:{gone}"])
    bench.rename(f"0:{kept}", "both of them")
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(demo.read().test.items[:30]))
    assert command("encode", f"--run={run}", f"--input={texts}", f"--output={tmp_path / 'codes.jsonl'}")[0] == 0
    lines = [json.loads(line) for line in (tmp_path / "codes.jsonl").read_text().splitlines()]
    assert all((line["codes"][0] == kept) == (line["names"][0] == "both of them") for line in lines)
    assert gone not in [line["codes"][0] for line in lines] and "both of them" in [line["names"][0] for line in lines]
    page = report(run).read_text()
    assert "both of them" in page and f"components {kept}, {gone}" in page
    saved = export(run, folder=str(tmp_path / "saved"), say=lambda line: None)
    assert "both of them" in (saved / "README.md").read_text()


def test_topics_are_reduced_and_drawn(bench, tmp_path):
    bench.dendrogram(1, str(tmp_path / "tree.png"))
    assert (tmp_path / "tree.png").read_bytes().startswith(b"\x89PNG")
    bench.reduce(1, 2)
    assert len(bench.topics.numbers(1)) == 2 and len(bench.topics.numbers(0)) == 4
    with pytest.raises(UserError, match=r"must end in .png or .svg"):
        bench.dendrogram(1, str(tmp_path / "tree.gif"))
    with pytest.raises(UserError, match="variables are numbered 0 to 1"):
        bench.reduce(2, 2)


def test_texts_unlike_all_that_the_model_knows_are_told(bench):
    usual, odd = (
        demo.read().test.items[:60],
        ["zxcv qwer asdf uiop", "dessert dessert at at whose the the train", "w q e r t y u i o p a s d f"],
    )
    found = bench.read([*usual, *odd])
    assert found.codes.shape == (63, 2) and len(found.names) == 63
    assert 0.3 < found.unlike[:60].mean() < 0.7 and found.unlike[60:].min() > 0.9
    again = bench.read([*odd, *usual[:3]])
    np.testing.assert_allclose(again.unlike[:3], found.unlike[60:], atol=0.02)


def test_the_command_edits_counts_and_writes(bench, run, tmp_path, command):
    with (tmp_path / "t.csv").open("w") as file:
        csv.writer(file).writerows([("text", "year"), *((text, 2019 + i % 3) for i, text in enumerate(demo.read().test.items[:30]))])
    used = next(row["topic"] for row in bench.table() if row["variable"] == 1)
    status, out, _ = command("topics", f"--run={run}", f"--rename=1:{used}=things", "--hierarchy=tree.svg", "--output=table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert status == 0 and "rows into table.csv" in out and (tmp_path / "tree.svg").exists()
    assert [row["name"] for row in rows if row["variable"] == "1" and row["topic"] == str(used)] == ["things"]
    status, out, _ = command("topics", f"--run={run}")
    assert status == 0 and "  things  (" in out and "      phrases: " in out
    flags = [f"--run={run}", "--input=t.csv", "--time_column=year", "--variable=1"]
    assert command("topics", *flags, "--over_time=o.csv", "--output=o.jsonl")[0] == 0
    counts = list(csv.DictReader((tmp_path / "o.csv").read_text().splitlines()))
    assert [row["start"] for row in counts] == ["2019.0", "2020.0", "2021.0"]
    assert sum(int(value) for row in counts for name, value in row.items() if name != "start") == 30
    told = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert len(told) == 30 and set(told[0]) == {"line", "text", "codes", "names", "probabilities", "unlike"}
    assert command("topics", *flags, "--over_time=o.png")[0] == 0 and (tmp_path / "o.png").read_bytes().startswith(b"\x89PNG")
    status, out, _ = command("topics", f"--run={run}", "--input=t.csv")
    assert status == 0 and "of the texts are less like the model's than 99 % of validation" in out
    status, out, _ = command("generate", f"--run={run}", "--component=things", "--num=2", "--format=jsonl")
    assert status == 0 and out.count('"names": ["", "things"]') == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--merge=0:1"], "two different ones at least are merged"),
        (["--merge=0:1,1:1"], "topics of several variables cannot be merged"),
        (["--merge=0:1,0:9"], "components 0 to 3"),
        (["--rename=0:1"], "must be j:k=name"),
        (["--reduce=0"], "must be j:n"),
        (["--reduce=0:7"], "they can be reduced to 1 to 3, not to 7"),
        (["--split=tests"], "no such split"),
        (["--output=x.txt"], "must end in .csv or .jsonl"),
        (["--over_time=x.png"], "go together"),
        (["--input=missing.csv"], "no such file"),
        (["--stop_words=missing.txt"], "english, none or a file"),
    ],
)
def test_mistakes_are_said_in_a_line(bench, run, refuse, flags, message):
    assert message in refuse("topics", f"--run={run}", *flags)
