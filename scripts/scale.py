"""Measures what corpora of millions of sentences take; benchmarks/large/ has the programs."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from tfvae.quiet import load_tensorflow

load_tensorflow(verbose="--verbose" in sys.argv)

from benchmarks.large.main import main  # noqa: E402

if __name__ == "__main__":
    main()
