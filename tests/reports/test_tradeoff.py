from tfvae.reports.tradeoff import Point, _short, draw, front, told

POINTS = [
    Point("vae", {"nll_iw": 100.0, "bleu": 1.0}),
    Point("worse", {"nll_iw": 104.0, "bleu": 4.0, "mutual_information_c_mean": 0.5}),
    Point("gm_vae objective.mi_weight=1.0", {"nll_iw": 102.0, "bleu": 5.0, "mutual_information_c_mean": 1.0}),
    Point("dem_vae", {"nll_iw": 103.0, "bleu": 8.0, "mutual_information_c_mean": 0.9}),
    Point("no likelihood", {"bleu": 50.0}),
    Point("same", {"nll_iw": 103.0, "bleu": 7.0}),
]


def test_the_front_is_what_nothing_is_better_than_in_both():
    assert [point.name for point in front(POINTS, "bleu")] == ["vae", "gm_vae objective.mi_weight=1.0", "dem_vae"]
    assert [point.name for point in front(POINTS, "mutual_information_c_mean")] == ["gm_vae objective.mi_weight=1.0"]


def test_of_few_runs_nothing_is_said(tmp_path):
    text = told(POINTS)
    assert "- BLEU: no run here has both more of it and a lower NLL than one of `vae`, `gm_vae objective.mi_weight=1.0`, `dem_vae`." in text
    assert "MI(x;c)" not in text  # three runs have one
    assert told(POINTS[:3]) == "" and not draw(POINTS[:3], "ptb", tmp_path / "picture.svg") and not list(tmp_path.iterdir())


def test_names_in_a_picture_are_short(tmp_path):
    assert draw(POINTS, "ptb", tmp_path / "here" / "picture.svg")
    assert (tmp_path / "here" / "picture.svg").read_bytes().startswith(b"<?xml")
    assert _short("gm_vae objective.mi_weight=1.0 latent.dim=3") == "gm_vae + L_mi dim=3"
    assert _short("vae encoder.dropout=0.3 latent.dim=40 decoder.tied_embeddings=True") == "vae dropout=0.3 dim=40 …"
