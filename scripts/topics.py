"""Tells what codes stand for, and merges and names them: the command tfvae-topics."""

from tfvae.cli.topics import main

if __name__ == "__main__":
    main()
