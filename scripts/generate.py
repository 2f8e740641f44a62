"""Generates sentences: the command tfvae-generate."""

from tfvae.cli.generate import main

if __name__ == "__main__":
    main()
