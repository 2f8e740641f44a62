from tfvae.errors import suggest


def test_the_nearest_name_is_suggested():
    assert suggest("dem_va", ["vae", "dem_vae", "gm_vae"]) == ", did you mean 'dem_vae'?"


def test_all_names_are_listed_when_none_is_near():
    assert suggest("xyzzy", ["b", "a"]) == "; known: a, b"
