"""Which labels supervise which latent variables, as a setting writes it."""

from tfvae.errors import UserError

_FORM = "must be label:variable with commas between, such as emotion:0,act:1"


def supervised(written: str) -> dict[str, int]:
    """Returns the variable that each label supervises, by the label's name; nothing where nothing is written.

    Args:
      written: `objective.labels`, such as "emotion:0,act:1".

    Raises:
      UserError: it does not read so, or a label or a variable is there twice.
    """
    found: dict[str, int] = {}
    for pair in filter(None, map(str.strip, written.split(","))):
        label, _, variable = pair.rpartition(":")
        if not label.strip() or not variable.strip().isdecimal():
            raise UserError(f"config.objective.labels = {written!r}: {_FORM}")
        if label.strip() in found or int(variable) in found.values():
            raise UserError(f"config.objective.labels = {written!r}: a label and a variable are named once each; {_FORM}")
        found[label.strip()] = int(variable)
    return found
