"""The page of results is what its command makes of the runs that are kept."""

import pathlib

import pytest

from tfvae.reports.results import page, put_between, summary

ROOT = pathlib.Path(__file__).parents[2]
KEPT = sorted(str(file.parent) for file in (ROOT / "docs" / "runs").glob("*/*/config.json"))


def test_the_page_of_results_is_made_of_the_runs_that_are_kept(tmp_path):
    assert page(KEPT, images=tmp_path / "images") == (ROOT / "docs" / "results.md").read_text(encoding="utf-8")


def test_the_readme_s_table_is_made_of_the_runs_that_are_kept():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert put_between(readme, "results", summary([path for path in KEPT if pathlib.Path(path).parent.name == "ptb"])) == readme


@pytest.mark.parametrize("path", KEPT)
def test_what_is_kept_of_a_run_is_small_and_of_no_machine(path):
    for file in pathlib.Path(path).iterdir():
        text = file.read_text(encoding="utf-8")
        assert len(text) < 200_000 and "/root" not in text and "/tmp" not in text and "/home" not in text and "/work" not in text, file
