"""Asks a server of exported models: the command tfvae-serve-client."""

from tfvae.cli.serve_client import main

if __name__ == "__main__":
    main()
