from tfvae.errors import UserError, suggest


def test_the_nearest_name_is_suggested():
    assert suggest("dem_va", ["vae", "dem_vae", "gm_vae"]) == ", did you mean 'dem_vae'?"


def test_all_names_are_listed_when_none_is_near():
    assert suggest("xyzzy", ["b", "a"]) == "; known: a, b"


def test_a_message_is_one_line_whatever_it_quotes():
    assert str(UserError("it has a\nb\u2028c: name one")) == "it has a\\nb\\u2028c: name one"
