"""Trains a model: the command tfvae-train."""

from tfvae.cli.train import main

if __name__ == "__main__":
    main()
