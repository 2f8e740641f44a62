import types

import pytest

from tfvae.modalities.words import as_markdown
from tfvae.objectives.elbo import ELBO
from tfvae.objectives.schedules import Constant
from tfvae.training.callbacks import CollapseWarning


@pytest.mark.parametrize(("w", "final", "count"), [(0.5, 1.0, 0), (1.0, 1.0, 1), (0.5, 0.5, 1)])
def test_it_is_said_once_and_only_when_the_regularisers_weigh_fully(w, final, count):
    said = []
    callback = CollapseWarning(said.append)
    latent = types.SimpleNamespace(has_codes=True, num_components=5, num_variables=2)
    callback.set_model(types.SimpleNamespace(latent=latent, objective=ELBO(schedule=Constant(final))))
    for epoch in range(3):
        callback.on_epoch_end(epoch, {"w": w, "val_average_kl": 3.0, "val_mutual_information": 0.0})
    assert len(said) == count


def test_texts_are_shown_as_they_are_in_markdown():
    assert as_markdown("a | <b>b</b> & _UNK *") == r"a \| &lt;b&gt;b&lt;/b&gt; &amp; \_UNK \*"
