import json
import pathlib
import shlex

import pytest

from tfvae.cli.command import config_from_flags, define_config_flags
from tfvae.errors import UserError
from tfvae.evaluation.figure import Figure
from tfvae.latents.spherical import kl_to_uniform
from tfvae.machine import machine
from tfvae.registry import resolve
from tfvae.registry.models import OF_ANY
from tfvae.reports.results import command_line, keep, page, put_between, summary
from tfvae.reports.sweep import swept_field
from tfvae.training.run import Run


@pytest.mark.parametrize("model", OF_ANY)
def test_the_command_of_a_configuration_makes_it_again(model):
    from absl import flags

    config = resolve(model, "ptb", overrides={"training.seed": 3, "decoder.hidden_dim": 7, "decoder.embedding_dim": 7})
    program, script, *arguments = shlex.split(command_line(config))
    assert (program, script) == ("python", "scripts/train.py")
    values = flags.FlagValues()
    define_config_flags(values)
    values([script, *arguments])
    assert config_from_flags(values) == config


def make(folder, model, *, figures, seed=0, **overrides):
    run = Run(folder / "-".join([model, *map(str, overrides.values())]))
    run.create(resolve(model, "ptb", overrides={"training.seed": seed, **overrides}))
    run.append_metrics({"epoch": 1, "w": 0.999, "val_loss": 1.0})
    groups = {"likelihood": {"figures": [Figure(name, value).to_dict() for name, value in figures.items()]}}
    (run.path / "evaluation.json").write_text(json.dumps({"test": {"metrics": groups}}))
    (run.path / "samples.txt").write_text("".join(f"sentence {i} of {model}\n" for i in range(40)))
    return str(run.path)


GM = {
    "word_kl_real": 0.141,
    "mutual_information_c": [0.01, 0.02],
    "natural_variance": 0.002,
    "bleu": 2.0,
    "reconstruction": 103.0,
    "active_components": [5.0, 4.9],
}
DEM = {"mutual_information_c": [0.9, 0.8], "natural_variance": 60.0, "bleu": 9.0, "reconstruction": 88.0, "active_components": [4.0, 3.0]}


def test_the_page_is_made_of_kept_runs_alone(tmp_path):
    runs = [make(tmp_path, "gm_vae", figures=GM), make(tmp_path, "dem_vae", figures=DEM)]
    runs.append(make(tmp_path, "vmf_vae", figures={"kl_z": kl_to_uniform(50, 35.0) + 5e-4}))
    kept = [str(keep(run, str(tmp_path / "kept"))) for run in runs]
    assert kept[0] == str(tmp_path / "kept" / "ptb" / "gm_vae")
    text = page(kept)
    assert "## Penn Treebank" in text
    assert text.count("- holds: ") == 7 and "does not hold" not in text
    assert "60.00 against 0.002" in text
    assert "sentence 9 of dem_vae" in text and "sentence 10 of dem_vae" not in text
    assert "- `dem_vae`, seed 0: components in use, of 5: 4.00 3.00" in text
    assert "- `dem_vae`, seed 0: I(x; c_j), of at most 1.61: 0.90 0.80" in text
    assert command_line(Run(kept[0]).config()) in text
    assert len((tmp_path / "kept" / "ptb" / "gm_vae" / "samples.txt").read_text().splitlines()) == 10


def test_a_summary_sets_figures_beside_those_of_the_nearest_model(tmp_path):
    runs = [
        make(tmp_path, "gm_vae", figures={"nll_iw": 105.378, "bleu": 1.45}),
        make(tmp_path, "dem_vmf_vae", figures={"bleu": 4.0}),
        make(tmp_path, "rnn_lm", figures={"nll_iw": 104.0}),
    ]
    head, _, words, mixture, spheres = summary(runs).splitlines()
    assert head == "| `--model` | NLL | KL(z) | KL(c) | MI(x;c) | BLEU | word KL |"
    assert mixture == "| `gm_vae` | 105.38 / 99.44 | - / 3.41 | - / 0 | - / 0 | 1.450 / 2.34 | - / 0.72 |"
    assert spheres == "| `dem_vmf_vae` |  |  |  |  | 4.000 / - |  |"
    assert words == "| `rnn_lm` | 104.00 / 101.21 |  |  |  |  |  |"
    document = "a\n<!-- results -->\nold\n<!-- /results -->\nb\n"
    assert put_between(document, "results", "new\n") == "a\n<!-- results -->\n\nnew\n\n<!-- /results -->\nb\n"
    assert put_between(put_between(document, "results", "x\n"), "results", "new\n") == put_between(document, "results", "new\n")
    with pytest.raises(UserError, match="no lines <!-- results --> and <!-- /results -->"):
        put_between("a\n", "results", "new\n")


def test_the_term_of_mutual_information_makes_another_row_of_the_papers(tmp_path):
    told = {**GM, "mutual_information_c": [1.2, 1.3], "mutual_information_c_mean": 1.25, "nll_iw": 103.0, "bleu": 6.0}
    runs = [
        make(tmp_path, "gm_vae", figures={**GM, "mutual_information_c_mean": 0.01}),
        make(tmp_path, "gm_vae", figures=told, **{"objective.mi_weight": 1.0, "training.epochs": 2, "latent.dim": 3}),
        make(tmp_path, "dem_vae", figures=DEM),
    ]
    _, _, plain, informed, _ = summary(runs).splitlines()
    assert plain.startswith("| `gm_vae` | - / 99.44 |") and informed.startswith("| `gm_vae objective.mi_weight=1.0` | 103.00 / 103.16 |")
    Run(runs[1]).append_metrics({"epoch": 2, "w": 1.0, "val_loss": 0.5, "seconds": 90.0})
    text = page(runs)
    assert "--config.objective.mi_weight=1.0 --config.training.epochs=2 --seed=0  # 1.5 minutes\n" in text
    assert f", on {machine()}; minutes are of training.\n" in text
    assert "- holds: the components of `gm_vae` merge" in text
    assert (
        "- holds: with the term of mutual information `gm_vae`'s codes tell more of x: mutual_information_c_mean (1.250 against 0.010)"
        in text
    )
    assert "- holds: with the term of mutual information `gm_vae`'s reconstructions are better: bleu (6.000 against 2.000)" in text


def test_a_pattern_that_fails_is_said_to_fail(tmp_path):
    runs = [
        make(tmp_path, "gm_vae", figures={**GM, "mutual_information_c": [0.01, 0.3]}),
        make(tmp_path, "dem_vae", figures={**DEM, "bleu": 1}),
    ]
    runs.append(make(tmp_path, "vmf_vae", figures={"kl_z": kl_to_uniform(50, 35.0) + 0.01}))
    text = page(runs)
    assert text.count("**does not hold**") == 3
    assert "largest 0.3000" in text


def test_what_was_not_measured_is_said_not_to_be(tmp_path):
    text = page([make(tmp_path, "gm_vae", figures=GM), make(tmp_path, "dem_vae", figures={}), make(tmp_path, "vmf_vae", figures={})])
    assert text.count("- not measured: ") == 5 and text.count("- holds: ") == 2


def test_a_complete_collapse_is_no_error(tmp_path):
    text = page([make(tmp_path, "gm_vae", figures={**GM, "natural_variance": 0.0}), make(tmp_path, "dem_vae", figures=DEM)])
    assert "their variance is 100 times that of `gm_vae` or more (60.00 against 0)" in text


def test_the_weight_is_that_of_the_epochs_that_were_kept(tmp_path):
    path = make(tmp_path, "gm_vae", figures=GM)
    Run(path).append_metrics({"epoch": 2, "w": 0.5, "val_loss": 0.5})
    Run(path).append_metrics({"epoch": 3, "w": 1.0, "val_loss": 2.0})
    assert "The KL's weight w was 0.500 or more in every epoch that was kept" in page([path])


def test_another_run_of_the_same_name_is_not_written_over(tmp_path):
    keep(make(tmp_path / "a", "gm_vae", figures=GM), str(tmp_path / "kept"))
    with pytest.raises(UserError, match="holds another configuration's run: name the run directory otherwise"):
        keep(make(tmp_path / "b", "gm_vae", figures=GM, seed=1), str(tmp_path / "kept"))


def test_a_run_that_was_not_evaluated_is_an_error(tmp_path):
    run = Run(tmp_path / "vae")
    run.create(resolve("vae", "ptb"))
    with pytest.raises(UserError, match="was not evaluated on test; do that first"):
        keep(str(run.path), str(tmp_path / "kept"))
    with pytest.raises(UserError, match="was not evaluated on test"):
        page([str(run.path)])


def test_agreement_with_labels_is_shown_with_its_baselines(tmp_path):
    names = ("adjusted_mutual_information", "homogeneity", "homogeneity_shuffled", "completeness", "v_measure")
    runs = []
    for beta, joint, variable in ((0.7, 0.2, 0.31), (0.9, 0.25, 0.1)):
        agreements = {"joint": joint, "variable 0": variable, "k-means of 5": 0.3, "LDA of 5": 0.1}
        figures = [
            Figure(name, value, settings={"label": "act", "codes": codes, "clusters": 5}).to_dict()
            for codes, value in agreements.items()
            for name in names
        ]
        run = Run(tmp_path / "runs" / f"dem_vae-{beta}")
        run.create(resolve("dem_vae", "daily_dialog", overrides={"objective.beta": beta}))
        run.append_metrics({"epoch": 1, "w": 0.999, "val_loss": 1.0})
        (run.path / "evaluation.json").write_text(json.dumps({"test": {"metrics": {"labels": {"figures": figures}}}}))
        runs.append(str(run.path))
    text = page(runs)
    assert "### Agreement of codes with labels" in text and "k-means of 5" in text and "## DailyDialog" in text
    first, second = "`dem_vae objective.beta=0.7`, seed 0", "`dem_vae objective.beta=0.9`, seed 0"
    assert (
        f"- act, {first}: the code of variable 0 (5 values, AMI 0.310) wins against k-means of 5 (0.300), the best of all baselines" in text
    )
    assert f"- act, {second}: the joint code (5 values, AMI 0.250) loses to k-means of 5 (0.300), the best of all baselines" in text
    assert f"- act: of these runs {first} is furthest ahead of what the best baseline reaches." in text


def make_sweep(folder, kept, values=(0.0, 0.5, 1.0), **other):
    for beta in values:
        figures = {"nll_iw": 100 + beta, "natural_variance": 10.0 - beta, "mutual_information_c_mean": 1 - beta / 2, "word_kl": 0.25}
        run = make(folder, "dem_vae", figures=figures, **{"objective.beta": beta, **other})
        keep(run, str(kept), group="ptb-beta")
    return sorted(str(path) for path in (kept / "ptb-beta").iterdir())


def test_runs_that_differ_in_one_number_are_set_against_it(tmp_path):
    kept = [str(keep(make(tmp_path, "gm_vae", figures=GM), str(tmp_path / "kept")))]
    kept += make_sweep(tmp_path, tmp_path / "kept")
    text = page(kept, images=tmp_path / "images")
    assert text.index("## Penn Treebank\n") < text.index("## Penn Treebank: beta of `dem_vae`")
    lines = text[text.index("## Penn Treebank: beta") :].splitlines()
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    assert table[0][:3] == ["beta", "NLL, nats a sentence", "MI(x;c), nats a variable"]
    assert [row[:3] for row in table[2:]] == [["0", "100.00", "1.000"], ["0.5", "100.50", "0.750"], ["1", "101.00", "0.500"]]
    assert "![figures of dem_vae against beta](images/results-ptb-beta.svg)" in text
    drawn = (tmp_path / "images" / "results-ptb-beta.svg").read_text()
    assert drawn.startswith("<?xml") and "<dc:date>" not in drawn
    assert page(kept, images=tmp_path / "again") == text.replace("images/", "again/")
    assert (tmp_path / "again" / "results-ptb-beta.svg").read_text() == drawn


@pytest.mark.parametrize(
    ("paths", "field"),
    [
        ([{"objective.beta": value} for value in (0.1, 0.2, 0.3)], "objective.beta"),
        ([{"objective.beta": value, "training.seed": seed} for value in (0.1, 0.2, 0.3) for seed in (0, 1)], "objective.beta"),
        ([{"objective.beta": value} for value in (0.1, 0.2)], ""),
        ([{"training.seed": value} for value in (0, 1, 2)], ""),
        ([{"objective.beta": value, "latent.components": int(10 * value)} for value in (0.2, 0.3, 0.4)], ""),
        ([{"training.precision": value} for value in ("auto", "float32", "bfloat16")], ""),
    ],
)
def test_a_sweep_is_of_one_number(paths, field):
    assert swept_field([resolve("dem_vae", "ptb", overrides=overrides) for overrides in paths]) == field


def test_a_group_is_a_plain_name(tmp_path):
    with pytest.raises(UserError, match="is the name of one folder, not a path"):
        keep(make(tmp_path, "gm_vae", figures=GM), str(tmp_path / "kept"), group="../ptb")


def test_what_runs_without_codes_share_is_shown_once_and_probes_of_z_are_a_column(tmp_path):
    names = ("adjusted_mutual_information", "homogeneity", "homogeneity_shuffled", "completeness", "v_measure")
    figures = [Figure(name, 0.4, settings={"label": "digit", "codes": "k-means of 10", "clusters": 10}).to_dict() for name in names]
    runs = []
    for seed, share in enumerate((0.97, 0.98)):
        probe = Figure("accuracy_perceptron", share, 0.01, "share", settings={"label": "digit", "fitted_to": 100}).to_dict()
        run = Run(tmp_path / f"vae-{seed}")
        run.create(resolve("vae", "mnist", overrides={"training.seed": seed}))
        run.append_metrics({"epoch": 1, "w": 1.0, "val_loss": 1.0})
        (run.path / "evaluation.json").write_text(json.dumps({"test": {"metrics": {"labels": {"figures": [*figures, probe]}}}}))
        runs.append(str(run.path))
    text = page(runs)
    assert text.count("k-means of 10 ") == 1 and "`vae`, seed 0; `vae`, seed 1:" in text
    assert "| model | digit, perceptron probe of z |" in text and "| `vae` | 0.975 ± 0.007 |" in text


def test_predicted_labels_stand_above_what_was_taught_the_same(tmp_path):
    run = make(tmp_path / "labels", "dem_vae", figures={})
    settings = {"label": "act"}
    figures = [
        Figure("prediction_accuracy", 0.75, 0.01, estimator="its code", settings=settings),
        Figure("prediction_macro_f1", 0.5, settings=settings),
        Figure("prediction_accuracy_majority", 0.25, 0.02, estimator="the most frequent class", settings=settings),
        Figure("prediction_macro_f1_majority", 0.125, settings=settings),
        Figure("prediction_accuracy", None, estimator="no example has the label", settings={"label": "topic"}),
    ]
    groups = {"predictions": {"figures": [figure.to_dict() for figure in figures]}}
    (pathlib.Path(run) / "evaluation.json").write_text(json.dumps({"test": {"metrics": groups}}))
    text = page([run])
    assert "## Penn Treebank: labels" in text and "1 run; " in text
    found = [line for line in text.splitlines() if line.startswith("| act")]
    assert found == ["| act | the model | 0.750 ± 0.010 | 0.500 |", "| act | the most frequent class | 0.250 ± 0.020 | 0.125 |"]
    assert "| topic" not in text and "| model |" not in text
