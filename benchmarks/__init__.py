"""What scripts/benchmark.py runs, and the peers it runs against."""
