"""Reconstructs texts: the command tfvae-reconstruct."""

from tfvae.cli.reconstruct import main

if __name__ == "__main__":
    main()
