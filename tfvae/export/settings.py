"""What is fixed when a model is exported."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is fixed when a model is exported.

    Attributes:
      samples: posterior samples of `score`.
      steps: items of an interpolation, the ends included.
      max_length: most tokens of a sentence that is written, its end included; means nothing for images.
    """

    samples: int = 100
    steps: int = 7
    max_length: int = 40
