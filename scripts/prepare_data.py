"""Fetches the corpora of the papers: the command tfvae-prepare-data."""

from tfvae.cli.prepare_data import main

if __name__ == "__main__":
    main()
