"""tfvae-serve: serves exported models over HTTP and gRPC, without Docker."""

import dataclasses
from typing import Any

from absl import flags

from tfvae.cli.command import run_command
from tfvae.errors import UserError
from tfvae.serving.limits import Limits

SUMMARY = (
    "Serves every model of a folder of exports by the Open Inference Protocol (KServe v2), with MLServer; new versions as they appear."
)


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _serve)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string("model_dir", "saved_models", "Folder of exported models, <name>/<version>/.", flag_values=values)
    flags.DEFINE_string(
        "host", "127.0.0.1", "Address to listen at; nobody is asked who they are, so this machine's own.", flag_values=values
    )
    for name, default in (("http", 8080), ("grpc", 8081)):
        flags.DEFINE_integer(f"{name}_port", default, f"Port of {name}.", lower_bound=1, upper_bound=65535, flag_values=values)
    trust = "Load graphs that reach files, addresses or Python, too: they may do there what this process may (docs/security.md)."
    flags.DEFINE_bool("trust_graphs", False, trust, flag_values=values)
    for field in dataclasses.fields(Limits):
        usual: Any = field.default
        define = flags.DEFINE_float if isinstance(usual, float) else flags.DEFINE_integer
        define(field.name, usual, field.metadata["help"], lower_bound=field.metadata["low"], flag_values=values)


def _serve(values: flags.FlagValues) -> None:
    try:
        from tfvae.serving.server import Server, serve
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: pip install -e '.[serving]'") from None
    given: dict[str, Any] = {field.name: values[field.name].value for field in dataclasses.fields(Limits)}
    places: dict[str, Any] = {"host": values.host, "http_port": values.http_port, "grpc_port": values.grpc_port}
    serve(Server(values.model_dir, **places, limits=Limits(**given), trust_graphs=values.trust_graphs, say=_say))


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    main()
