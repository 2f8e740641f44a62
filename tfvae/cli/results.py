"""tfvae-results: a page of results from evaluated runs."""

import pathlib

from absl import flags

from tfvae.cli.command import run_command
from tfvae.data.files import write_text
from tfvae.errors import UserError

SUMMARY = "Writes a page of results, with the papers' figures beside ours, from run directories that were evaluated."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _results)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_list("runs", [], "Evaluated run directories whose small files are copied to --kept first.", flag_values=values)
    flags.DEFINE_string("group", "", "Section of the page that --runs belong to; empty for that of their corpus.", flag_values=values)
    flags.DEFINE_string("kept", "docs/runs", "Folder of the small files of runs, which the page is made of.", flag_values=values)
    flags.DEFINE_string("output", "docs/results.md", "Page to write.", flag_values=values)
    help = "Document with the lines <!-- results --> and <!-- /results -->, between which a small table of Penn Treebank's runs is put."
    flags.DEFINE_string("summary", "", help, flag_values=values)


def _results(values: flags.FlagValues) -> None:
    from tfvae.reports.results import keep, page, put_between, summary

    for run in values.runs:
        print(f"{run} -> {keep(run, values.kept, group=values.group)}")
    kept = sorted(str(file.parent) for file in pathlib.Path(values.kept).glob("*/*/config.json"))
    if not kept:
        raise UserError(f"--kept={values.kept}: no run is kept there; name evaluated ones in --runs")
    output = pathlib.Path(values.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(output, page(kept, images=output.parent / "images"))
    print(f"{len(kept)} runs in {output}")
    if values.summary:
        of = [path for path in kept if pathlib.Path(path).parent.name == "ptb"]
        if not of:
            raise UserError(f"--summary: {values.kept}/ptb holds no runs to make a table of")
        document = pathlib.Path(values.summary)
        write_text(document, put_between(document.read_text(encoding="utf-8"), "results", summary(of)))
        print(f"{len(of)} runs in {document}")


if __name__ == "__main__":
    main()
