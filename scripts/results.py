"""Writes a page of results: the command tfvae-results."""

from tfvae.cli.results import main

if __name__ == "__main__":
    main()
