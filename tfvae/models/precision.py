"""Which numbers the networks multiply."""

import pathlib

import tensorflow as tf


def resolve_precision(precision: str) -> str:
    """Returns "float32" or "bfloat16" for `config.training.precision`: "auto" is bfloat16 where the processor multiplies it fast."""
    if precision != "auto":
        return precision
    return "bfloat16" if _gpu_has_bfloat16() or (not tf.config.list_physical_devices("GPU") and _cpu_has_bfloat16()) else "float32"


def dtype_policy(precision: str) -> str:
    """Returns the Keras policy of the networks: variables are always float32."""
    return "mixed_bfloat16" if resolve_precision(precision) == "bfloat16" else "float32"


def _gpu_has_bfloat16() -> bool:
    devices = tf.config.list_physical_devices("GPU")
    capabilities = [tf.config.experimental.get_device_details(device).get("compute_capability", (0, 0)) for device in devices]
    return bool(capabilities) and min(capabilities) >= (8, 0)


def _cpu_has_bfloat16(cpuinfo: pathlib.Path = pathlib.Path("/proc/cpuinfo")) -> bool:
    try:
        flags = cpuinfo.read_text().split()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
