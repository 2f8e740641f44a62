"""Tries to break tfvae on purpose and counts what held; torture/ has the attacks."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from torture.main import main

if __name__ == "__main__":
    main()
