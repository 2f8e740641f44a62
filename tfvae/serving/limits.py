"""What a server answers at most."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """What requests may ask for, each alone and all of them together.

    Attributes:
      rows: most rows of a request.
      characters: most characters of a text.
      total_characters: most characters of a request: its rows times its longest text, over all inputs.
      bytes: most bytes of a request.
      pending_bytes: most bytes of requests that are not answered yet, by HTTP.
      seconds: time that a request may take to arrive.
      connections: most connections, by HTTP and by gRPC each.
      requests: most requests that are computed or wait for it.
    """

    rows: int = 256
    characters: int = 20_000
    total_characters: int = 1_000_000
    bytes: int = 8 << 20
    pending_bytes: int = 64 << 20
    seconds: float = 30.0
    connections: int = 256
    requests: int = 64
