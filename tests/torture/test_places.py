import pytest

from torture.places import _Markup, escape
from torture.workshop import Workshop


@pytest.mark.slow
def test_no_text_and_no_class_is_markup_in_a_report(tmp_path):
    outcome = escape(Workshop(tmp_path))
    assert outcome.broken == [] and outcome.figures["shown"] >= 8


def test_markup_is_seen():
    found = _Markup('<p onclick="x">a<script>1</script><a href="javascript:1">b</a><img src="data:image/png;base64,x"><a href="#a"></a>')
    assert {"script", "p"} <= found.tags and found.acting == ["onclick", "javascript:1"]
