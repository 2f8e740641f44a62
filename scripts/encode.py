"""Encodes a file of texts: the command tfvae-encode."""

from tfvae.cli.encode import main

if __name__ == "__main__":
    main()
