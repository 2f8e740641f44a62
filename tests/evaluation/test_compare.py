import csv
import io
import json
import pathlib

import pytest

from tfvae.errors import UserError
from tfvae.evaluation.compare import markdown, rows, scalars, to_csv, unequal_settings
from tfvae.evaluation.evaluate import checksum
from tfvae.evaluation.figure import Figure


def evaluation(**figures):
    """What evaluation.json has of a split, of figures by name."""
    return {"metrics": {"likelihood": {"figures": [Figure(name, value, 0.5).to_dict() for name, value in figures.items()]}}}


@pytest.fixture
def runs(tmp_path, untrained):
    def make(name, model, corpus="", **fields):
        run = untrained(tmp_path / name, model, **{key: value for key, value in fields.items() if "__" in key})
        if corpus:
            config = json.loads(run.config_file.read_text())
            config["data"]["name"] = corpus
            run.config_file.write_text(json.dumps(config))
        values = {key: value for key, value in fields.items() if "__" not in key}
        kept = {"test": {**evaluation(**values), "weights": checksum(run)}}
        (run.path / "evaluation.json").write_text(json.dumps(kept))
        return str(run.path)

    return make


def test_runs_that_differ_in_their_seed_alone_are_one_row(runs):
    paths = [runs(f"s{seed}", "vae", training__seed=seed, nll_iw=100.0 + seed, kl_z=5.0) for seed in (0, 2)]
    paths.append(runs("other", "rnn_lm", nll_bound=101.25))
    first, second = rows(paths)
    assert first.name().startswith("vae data.limit=100 ") and second.name().startswith("rnn_lm data.limit=100 ")
    assert (first.seeds, first.values["nll_iw"]) == ([0, 2], [100.0, 102.0])
    assert first.cell("nll_iw") == "101.00 ± 1.414"
    assert first.cell("kl_z") == "5.000 ± 0.000"
    assert (second.cell("nll_bound"), second.cell("nll_iw")) == ("101.25", "")
    assert rows(paths[:1])[0].cell("nll_iw") == "100.00 ± 0.500"  # of one run the error of its estimate


def test_rows_say_what_was_changed_and_what_all_changed_once(runs):
    table = rows(
        [runs("a", "vae", latent__dim=3, nll_iw=1.0), runs("b", "vae", latent__dim=4, nll_iw=2.0), runs("c", "rnn_lm", nll_iw=3.0)]
    )
    lines = markdown(table).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| `vae latent.dim=3`", "| `vae latent.dim=4`", "| `rnn_lm`"]
    # the language model has no encoder, so it need not share the encoder's settings
    assert lines[6].startswith("All rows have `data.limit=100`, `encoder.embedding_dim=16`")


def test_evaluations_of_unequal_settings_are_told_apart(runs):
    paths = [runs("a", "vae", nll_iw=1.0), runs("b", "gm_vae", nll_iw=2.0)]
    for path, samples in zip(paths, (500, 4), strict=True):
        file = pathlib.Path(path) / "evaluation.json"
        values = json.loads(file.read_text())
        values["test"]["metrics"]["likelihood"]["settings"] = {"samples": samples, "seed": 0}
        file.write_text(json.dumps(values))
    assert unequal_settings(rows(paths)) == ["likelihood: samples=4", "likelihood: samples=500"]
    assert "Not all of them were evaluated alike: likelihood: samples=4, likelihood: samples=500." in markdown(rows(paths))
    assert unequal_settings(rows(paths[:1])) == []


def test_a_run_that_was_trained_since_is_an_error(runs):
    path = runs("a", "vae", nll_iw=1.0)
    file = pathlib.Path(path) / "model.weights.h5"
    file.write_bytes(file.read_bytes() + b"more")
    with pytest.raises(UserError, match=r"was trained further since it was evaluated; do that again: scripts/evaluate\.py"):
        rows([path])


def test_the_table_has_the_columns_that_rows_have_and_the_papers_rows(runs):
    table = rows([runs("a", "dem_vae", corpus="ptb", nll_iw=105.5, word_kl_greedy=0.2)])
    lines = markdown(table, "ptb").splitlines()
    assert lines[0] == "| model | NLL | word KL, greedy | reverse perplexity, their AWD-LSTM |"
    assert lines[2].startswith("| `dem_vae data.limit=100") and lines[2].endswith(" | 105.50 ± 0.500 | 0.200 |  |")
    assert "| DGM-VAE + L_mi (Shi et al. 2020, table 1) | 105.73 | 0.18 | 247.37 |" in lines
    assert "| test set (Shi et al. 2020, table 1) |  | 0.14 |  |" in lines
    lines = markdown(table, "demo").splitlines()
    assert len(lines) == 5 and lines[3:] == ["", "± is the standard error of one run's estimate."]  # no papers' rows


def test_real_text_has_a_row_beside_the_models(runs):
    paths = [runs("a", "dem_vae", word_kl=0.5, word_kl_greedy=0.4, nll_iw=9.0), runs("b", "vae", word_kl=0.3, word_kl_real=0.14)]
    lines = markdown(rows(paths)).splitlines()
    assert lines[0] == "| model | NLL | word KL | word KL, greedy |"
    assert lines[4] == "| real text |  | 0.140 | 0.140 |"


def test_csv_has_every_figure(runs):
    table = rows([runs(f"s{seed}", "vae", training__seed=seed, nll_iw=100.0 + seed) for seed in (0, 2)])
    [row] = csv.DictReader(io.StringIO(to_csv(table)))
    assert row["model"].split()[0] == "vae"
    kept = {name: row[name] for name in ("figure", "runs", "mean", "error", "seeds")}
    assert kept == {"figure": "nll_iw", "runs": "2", "mean": "101.0", "error": "0.5", "seeds": "0 2"}
    assert float(row["deviation"]) == pytest.approx(2**0.5)


def test_csv_has_the_papers_rows_too(runs):
    lines = list(csv.DictReader(io.StringIO(to_csv(rows([runs("a", "vae", corpus="ptb", nll_iw=1.0)]), "ptb"))))
    [printed] = [line for line in lines if line["model"] == "GM-VAE (Shi et al. 2020, table 1)" and line["figure"] == "bleu"]
    assert (printed["mean"], printed["runs"], printed["seeds"]) == ("2.34", "", "")


def test_scalars_are_named_with_label_and_clustering_and_lists_with_their_places():
    figures = [
        Figure("homogeneity", 0.5, 0.1, settings={"label": "act", "codes": "joint", "clusters": 4}),
        Figure("mutual_information_c", [0.5, 0.25], [0.1, 0.2]),
        Figure("component_use", [[0.75, 0.25]]),
        Figure("nothing", None),
    ]
    assert scalars({"metrics": {"labels": {"figures": [f.to_dict() for f in figures]}}}) == {
        "homogeneity[act, joint]": (0.5, 0.1),
        "mutual_information_c[0]": (0.5, 0.1),
        "mutual_information_c[1]": (0.25, 0.2),
        "component_use[0][0]": (0.75, None),
        "component_use[0][1]": (0.25, None),
    }


def test_what_plus_minus_is_is_said(runs):
    paths = [runs(f"s{seed}", "vae", training__seed=seed, nll_iw=100.0 + seed) for seed in (0, 2)]
    single = runs("other", "gm_vae", nll_iw=101.25)
    assert "± is the standard error of one run's estimate." in markdown(rows([single]))
    assert "± is the standard deviation over seeds (runs of each row: vae 2, gm_vae 1)" in markdown(rows([*paths, single]))


def test_what_cannot_be_compared_is_an_error(runs, tmp_path):
    good = runs("good", "vae", nll_iw=1.0)
    with pytest.raises(UserError, match="is of the corpus ptb, the first run of demo: compare runs of one corpus"):
        rows([good, runs("ptb", "vae", corpus="ptb", nll_iw=1.0)])
    with pytest.raises(UserError, match=r"was not evaluated on valid; do that first: scripts/evaluate\.py"):
        rows([good], "valid")
    with pytest.raises(UserError, match="no run is there"):
        rows([str(tmp_path / "none")])
    with pytest.raises(UserError, match="has the weights of a run before it: name each run once"):
        rows([good, good])
