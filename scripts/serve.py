"""Serves exported models: the command tfvae-serve."""

from tfvae.cli.serve import main

if __name__ == "__main__":
    main()
