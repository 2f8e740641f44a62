"""tfvae-serve: serves exported models over HTTP and gRPC, without Docker."""

from absl import flags

from tfvae.cli.command import run_command
from tfvae.errors import UserError

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
    flags.DEFINE_integer("http_port", 8080, "Port of HTTP.", flag_values=values)
    flags.DEFINE_integer("grpc_port", 8081, "Port of gRPC.", flag_values=values)
    flags.DEFINE_integer("rows", 256, "Most rows of a request.", flag_values=values)
    flags.DEFINE_integer("characters", 20_000, "Most characters of a text.", flag_values=values)
    flags.DEFINE_integer("bytes", 8 << 20, "Most bytes of a request.", flag_values=values)


def _serve(values: flags.FlagValues) -> None:
    try:
        from tfvae.serving.runtime import Limits
        from tfvae.serving.server import Server, serve
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: pip install -e '.[serving]'") from None
    limits = Limits(values.rows, values.characters, values.bytes)
    serve(Server(values.model_dir, host=values.host, http_port=values.http_port, grpc_port=values.grpc_port, limits=limits, say=_say))


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    main()
