import pytest

from tfvae.decoders.recurrent import RecurrentDecoder


@pytest.fixture
def decoder():
    return RecurrentDecoder(9, z_dim=3, embedding_dim=6, hidden_dim=6, z_to_output=True, seed=1)
