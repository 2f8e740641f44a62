import numpy as np
import pytest

from tfvae.data.templates import parse, say


def all_of(template, rules=None, values=None):
    draw = np.random.default_rng(0)
    node = parse(template)
    return {say(node, lambda name: parse((rules or {})[name]), lambda name: (values or {})[name], draw) for _ in range(200)}


@pytest.mark.parametrize(
    ("template", "sentences"),
    [
        ("plain words", {"plain words"}),
        ("(on|off)", {"on", "off"}),
        ("light[s]", {"light", "lights"}),
        ("a [b|c] d", {"a  d", "a b d", "a c d"}),
        ("(here;now)", {"here now", "now here"}),
        ("[(very|so)] big", {" big", "very big", "so big"}),
        ("<turn> {name:thing}", {"turn lamp", "switch lamp"}),
    ],
)
def test_a_template_says_all_that_it_may(template, sentences):
    assert all_of(template, {"turn": "(turn|switch)"}, {"name": "lamp"}) == sentences


@pytest.mark.parametrize("template", ["(a", "a)", "[a|b", "<rule", "{list", "a]"])
def test_brackets_that_do_not_match_are_told(template):
    with pytest.raises(ValueError, match=r"is not closed|closes nothing"):
        parse(template)
