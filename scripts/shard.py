"""Writes shards of a corpus larger than memory: the command tfvae-shard."""

from tfvae.cli.shard import main

if __name__ == "__main__":
    main()
