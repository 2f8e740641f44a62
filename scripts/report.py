"""Writes a page about a run: the command tfvae-report."""

from tfvae.cli.report import main

if __name__ == "__main__":
    main()
