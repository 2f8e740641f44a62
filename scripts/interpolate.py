"""Interpolates between texts: the command tfvae-interpolate."""

from tfvae.cli.interpolate import main

if __name__ == "__main__":
    main()
