"""The site builds without a warning, and its notebooks run."""

import pathlib
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert "TopicModel" in (tmp_path / "site" / "reference" / "topics" / "index.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in NOTEBOOKS])
def test_a_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # kept without outputs, which go stale
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()


def test_a_cell_of_six_lines_goes_from_a_column_to_a_table():
    [notebook] = [nbformat.read(path, as_version=4) for path in NOTEBOOKS if path.stem == "topics"]
    [cell] = [cell.source for cell in notebook.cells if "TopicModel" in cell.source]
    assert len([line for line in cell.splitlines() if line.strip()]) <= 6
