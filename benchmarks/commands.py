"""The project's commands, as programs start them."""

import sys


def command(name: str, *flags: str) -> list[str]:
    """Returns the words of a command of the project's."""
    return [sys.executable, "-m", f"tfvae.cli.{name}", *flags]
