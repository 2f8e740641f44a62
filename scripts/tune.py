"""Searches hyper-parameters: the command tfvae-tune."""

from tfvae.cli.tune import main

if __name__ == "__main__":
    main()
