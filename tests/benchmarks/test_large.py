"""What large corpora take is measured by programs that are tried here on small ones."""

import json
import pathlib
import subprocess
import sys
import time

import pytest

from benchmarks.large import page
from benchmarks.large.main import PARTS
from benchmarks.large.sentences import write_sentences
from benchmarks.large.watched import descendants, watch
from tfvae.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
PAGES = ("scale.md", "performance.md")


def scale(*flags):
    return subprocess.run([sys.executable, str(ROOT / "scripts" / "scale.py"), *flags], capture_output=True, text=True)


def test_sentences_are_as_many_as_asked_for_and_frequent_words_are_short(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_sentences(tmp_path / name, 2000, seed)
    text = (tmp_path / "a").read_text()
    assert text == (tmp_path / "b").read_text() != (tmp_path / "c").read_text()
    lines = text.splitlines()
    assert len(lines) == 2000 and all(lines)
    words = text.split()
    assert 10 < len(words) / 2000 < 12
    frequent = [word for word in set(words) if words.count(word) > 100]
    assert frequent and sum(map(len, frequent)) / len(frequent) < sum(map(len, set(words))) / len(set(words))


def test_memory_of_all_processes_of_a_program_is_seen():
    child = "import time; block = bytearray(b'x') * 310_000_000; time.sleep(1.5)"
    took = watch([sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"])
    assert took.printed == "done\n" and took.seconds > 1.4
    assert 290 < took.own_mb < 400 and took.own_mb <= took.resident_mb < 400
    with pytest.raises(UserError, match="ended with status 3: why"):
        watch([sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(3)"])


def test_processes_below_one_are_found():
    with subprocess.Popen([sys.executable, "-c", "import subprocess; subprocess.run(['sleep', '60'])"]) as process:
        while not descendants(process.pid):
            time.sleep(0.05)
        [child] = descendants(process.pid)
        assert pathlib.Path(f"/proc/{child}").exists() and descendants(child) == set()
        subprocess.run(["kill", str(child)], check=True)


def test_tables_are_made_of_the_figures_that_are_kept():
    results = page.read(ROOT / "docs" / "scale.json")
    assert results and list(results) == [name for name in PARTS if name in results]
    for name in PAGES:
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert page.render(text, results) == text


def test_a_file_of_something_else_is_not_written_over(tmp_path):
    for content in ("{", "[]", '{"shard": {"sentences": 5}}'):
        (tmp_path / "x.json").write_text(content)
        with pytest.raises(UserError, match="is no file of this script's"):
            page.read(tmp_path / "x.json")
    assert scale("--parts=shards").returncode == 2


@pytest.mark.slow
def test_the_script_measures_parts_and_keeps_them(tmp_path):
    sizes = ["--sentences=20000", "--lines=4000", "--steps=8", f"--folder={tmp_path / 'made'}", f"--json={tmp_path / 'x.json'}"]
    done = scale("--parts=shard,train,throughput", *sizes)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "x.json").read_text())
    assert results["shard"]["sentences"] == 20_000 and results["train"]["resumed_equal_epochs"] == 4
    assert results["throughput"]["in_memory"] == 20_000 and results["throughput"]["throughput_of_memory"] > 0
    assert (tmp_path / "made" / "shards" / "shards.json").exists()
