"""tfvae-generate: sentences, or other items, from the prior, or from chosen components of it."""

import json
from collections.abc import Iterator, Sequence

import numpy as np
from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import (
    check_output,
    decoding_from_flags,
    define_decoding_flags,
    define_model_flags,
    define_output_flag,
    model_from_flags,
    print_items,
)
from tfvae.errors import UserError
from tfvae.latents.latent import Latent

_COLUMNS = 10  # images beside each other
SUMMARY = "Generates sentences, or images, from the prior of a trained model, or from components of it."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _generate)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    flags.DEFINE_integer("num", 10, "Sentences, or images.", lower_bound=1, flag_values=values)
    component = "Holds variable j at component k, written j:k; may be given several times, for several variables. The others are free."
    flags.DEFINE_multi_string("component", [], component, flag_values=values)
    flags.DEFINE_enum("format", "text", ["text", "jsonl"], "text: a sentence a line; jsonl: with its codes.", flag_values=values)
    define_output_flag(values)
    define_decoding_flags(values, "sample")


def _generate(values: flags.FlagValues) -> None:
    model, run = model_from_flags(values)
    decoding = decoding_from_flags(values, model.decoding().method)
    check_output(values, model.modality)
    latent = model.vae.latent
    component = held_components(values.component, latent) if values.component else None
    items, codes = model.generate(values.num, component=component, seed=values.seed, **decoding)
    lines = _lines(items, codes, values.format, coded=latent.has_codes)
    print_items(values, run, model.modality, "generated", lines, lambda: (np.asarray(items), _COLUMNS))


def _lines(texts: Sequence[str], codes: np.ndarray, form: str, *, coded: bool) -> Iterator[str]:
    for text, code in zip(texts, codes.tolist(), strict=True):
        line = {"text": text, **({"codes": code} if coded else {})}
        yield json.dumps(line, ensure_ascii=False) if form == "jsonl" else text


def held_components(pairs: list[str], latent: Latent) -> np.ndarray:
    """Returns the codes [J] that "j:k" pairs hold, -1 where a variable is free.

    Raises:
      UserError: the model has no components, a pair does not read as j:k, names what does not exist, or holds a variable twice.
    """
    if not latent.has_codes:
        raise UserError("--component: this model's prior is no mixture, so it has no components: leave it out")
    held = np.full(latent.num_variables, -1)
    for pair in pairs:
        try:
            variable, component = (int(number) for number in pair.split(":"))
        except ValueError:
            raise UserError(f"--component={pair}: must be j:k, the numbers of a variable and of one of its components") from None
        if not (0 <= variable < latent.num_variables and 0 <= component < latent.num_components):
            variables, components = latent.num_variables - 1, latent.num_components - 1
            raise UserError(f"--component={pair}: variables are numbered 0 to {variables} and components 0 to {components}")
        if held[variable] >= 0:
            raise UserError(f"--component={pair}: variable {variable} is held twice")
        held[variable] = component
    return held


if __name__ == "__main__":
    main()
