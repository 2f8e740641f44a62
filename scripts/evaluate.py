"""Evaluates a trained model: the command tfvae-evaluate."""

from tfvae.cli.evaluate import main

if __name__ == "__main__":
    main()
