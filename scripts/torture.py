"""Tries to break tfvae on purpose and counts what held; torture/ has the attacks."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from tfvae.quiet import load_tensorflow

load_tensorflow(verbose="--verbose" in sys.argv)

from torture.main import main  # noqa: E402

if __name__ == "__main__":
    main()
