"""tfvae-serve-client: sends a request to a server of exported models and prints a line of JSON a row."""

import json
from typing import Any

from absl import flags

from tfvae.cli.command import run_command
from tfvae.errors import UserError

SUMMARY = "Asks TensorFlow Serving, or tfvae-serve with --protocol=v2, for a signature of an exported model; prints a line of JSON a row."
_NEEDS = {
    "encode": "text",
    "predict": "text",
    "reconstruct": "text",
    "score": "text",
    "interpolate": "start and --end",
    "decode": "z",
    "generate": "",
}


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _ask)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string("model", "dem_vae", "Name that the model is served under.", flag_values=values)
    flags.DEFINE_string("signature", "encode", f"One of {', '.join(_NEEDS)}.", flag_values=values)
    flags.DEFINE_string("protocol", "rest", "rest or grpc of TensorFlow Serving, or v2 of tfvae-serve.", flag_values=values)
    flags.DEFINE_string("host", "127.0.0.1", "Server.", flag_values=values)
    flags.DEFINE_integer("port", 0, "Port; 0: 8501 for rest, 8500 for grpc, 8080 for v2.", flag_values=values)
    flags.DEFINE_integer("version", 0, "Version of the model; 0: the latest.", flag_values=values)
    flags.DEFINE_multi_string("text", [], "encode, predict, reconstruct, score: a text; may be given several times.", flag_values=values)
    flags.DEFINE_multi_string("start", [], "interpolate: a text to begin with, as many as --end.", flag_values=values)
    flags.DEFINE_multi_string("end", [], "interpolate: a text to end with.", flag_values=values)
    flags.DEFINE_multi_string("z", [], "decode: numbers with commas between.", flag_values=values)
    flags.DEFINE_integer("num", 4, "generate: sentences.", flag_values=values)
    flags.DEFINE_string("components", "", "generate: a component a variable with commas between, -1 for a free one.", flag_values=values)
    flags.DEFINE_float("temperature", 1.0, "generate: divides the logits.", flag_values=values)
    flags.DEFINE_integer("top_k", 0, "generate: only the k most probable words; 0 for all.", flag_values=values)
    usual = "generate: leave out temperature and top_k, which models of bags of words and of images do not take."
    flags.DEFINE_bool("as_usual", False, usual, flag_values=values)
    flags.DEFINE_integer("seed", 0, "generate: of the first sentence; each next one has one more.", flag_values=values)
    flags.DEFINE_float("deadline", 10.0, "Seconds to wait for an answer, retries included.", flag_values=values)
    flags.DEFINE_integer("retries", 4, "Times to ask again while the server is away or busy.", flag_values=values)


def _ask(values: flags.FlagValues) -> None:
    inputs = _inputs(values)
    try:
        from tfvae.serving.client import Client
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: pip install -e '.[serving]'") from None
    client = Client(
        values.model,
        protocol=values.protocol,
        host=values.host,
        port=values.port,
        version=values.version,
        deadline=values.deadline,
        retries=values.retries,
    )
    answer = client.predict(values.signature, inputs)
    for row in zip(*answer.values(), strict=True):
        print(json.dumps(dict(zip(answer, row, strict=True)), ensure_ascii=False))


def _inputs(values: flags.FlagValues) -> dict[str, list[Any]]:
    """The inputs of the signature, from the flags that it reads.

    Raises:
      UserError: an unknown signature, or one of its flags is missing or no list of numbers.
    """
    name = values.signature
    if name in ("encode", "predict", "reconstruct", "score") and values.text:
        return {"texts": list(values.text)}
    if name == "interpolate" and values.start and len(values.start) == len(values.end):
        return {"start": list(values.start), "end": list(values.end)}
    if name == "decode" and values.z:
        return {"z": [_numbers("z", point, float) for point in values.z]}
    if name == "generate":
        if values.num < 1:
            raise UserError(f"--num={values.num}: must be at least 1")
        rows = range(values.num)
        held = {"components": [_numbers("components", values.components, int) for _ in rows]} if values.components else {}
        # models of bags of words and of images have neither
        asked = values["temperature"].present or values["top_k"].present or not values.as_usual
        settings = {"temperature": [values.temperature for _ in rows], "top_k": [values.top_k for _ in rows]} if asked else {}
        return {**held, **settings, "seed": [values.seed + row for row in rows]}
    if name not in _NEEDS:
        raise UserError(f"--signature={name} is not a signature: write one of {', '.join(_NEEDS)}")
    raise UserError(f"--signature={name} needs --{_NEEDS[name]}")


def _numbers(flag: str, text: str, kind: type) -> list[Any]:
    try:
        return [kind(number) for number in text.split(",")]
    except ValueError:
        raise UserError(f"--{flag}={text}: must be numbers with commas between") from None


if __name__ == "__main__":
    main()
