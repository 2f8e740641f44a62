"""What a server answers at most."""

import dataclasses

from tfvae.config.tree import setting


@dataclasses.dataclass(frozen=True)
class Limits:
    """What requests may ask for, each alone and all of them together; the help of each field says of what it is the most."""

    rows: int = setting(256, "Most rows of a request.", low=1)
    characters: int = setting(20_000, "Most characters of a text.", low=1)
    total_characters: int = setting(1_000_000, "Most characters of a request: its rows times its longest text, over all inputs.", low=1)
    bytes: int = setting(8 << 20, "Most bytes of a request.", low=1)
    pending_bytes: int = setting(64 << 20, "Most bytes of requests that are not answered yet, by HTTP.", low=1)
    seconds: float = setting(30.0, "Seconds that a request may take to arrive.", low=1)
    connections: int = setting(256, "Most connections, by HTTP and by gRPC each.", low=1)
    requests: int = setting(64, "Most requests that are computed or wait for it.", low=1)
