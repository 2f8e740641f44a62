"""Makes a small copy of a trained run: the command tfvae-pack."""

from tfvae.cli.pack import main

if __name__ == "__main__":
    main()
