"""Measures speed against PyTorch peers; benchmarks/ has the programs."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.main import main

if __name__ == "__main__":
    main()
