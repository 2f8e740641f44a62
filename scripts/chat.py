"""Answers in a conversation: the command tfvae-chat."""

from tfvae.cli.chat import main

if __name__ == "__main__":
    main()
