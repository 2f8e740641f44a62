"""Exports a model: the command tfvae-export."""

from tfvae.cli.export import main

if __name__ == "__main__":
    main()
