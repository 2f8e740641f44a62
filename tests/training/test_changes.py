from tfvae.registry import resolve
from tfvae.training.changes import default_path, far_from


def test_the_default_directory_names_model_corpus_changed_fields_and_seed():
    usual = resolve("dem_vae", "demo")
    assert default_path(usual, usual) == "runs/dem_vae-demo-0"
    changed = resolve(
        "dem_vae", "demo", overrides={"objective.beta": 0.5, "latent.components": 7, "training.seed": 3, "training.epochs": 2}
    )
    assert default_path(changed, usual) == "runs/dem_vae-demo-components=7-beta=0.5-3"


def test_files_of_a_user_s_corpus_are_named_without_their_folders():
    usual = resolve("vae", "text")
    changed = resolve("vae", "text", overrides={"data.train_file": "/somewhere/my texts.txt"})
    assert default_path(changed, usual) == "runs/vae-text-train_file=my texts.txt-0"


def test_default_directories_of_different_configurations_differ_and_stay_short():
    usual = resolve("dem_vae", "demo")
    one, other = (resolve("dem_vae", "demo", overrides={path: 64}) for path in ("encoder.hidden_dim", "latent.hidden_dim"))
    assert default_path(one, usual) == "runs/dem_vae-demo-encoder.hidden_dim=64-0" != default_path(other, usual)
    long = {"objective.beta": 0.5, "latent.components": 7, "encoder.hidden_dim": 1, "latent.hidden_dim": 2, "encoder.dropout": 0.1}
    paths = [
        default_path(resolve("dem_vae", "demo", overrides={**long, "training.clip_norm": c, "training.patience": 3}), usual) for c in (1, 2)
    ]
    assert len(set(paths)) == 2 and all(len(path) < 160 for path in paths)


def test_numbers_that_are_far_from_the_usual_ones_are_told_the_furthest_first():
    usual = resolve("dem_vae", "demo")
    changed = resolve("dem_vae", "demo", overrides={"training.learning_rate": 1e30, "training.clip_norm": 50, "latent.components": 8})
    assert far_from(changed, usual) == [
        "config.training.learning_rate is 1e+30, usually 0.001",
        "config.training.clip_norm is 50, usually 0.5",
    ]
    assert far_from(usual, usual) == [] and far_from(resolve("dem_vae", "demo", overrides={"training.clip_norm": 0}), usual) == []
