"""Memory of what is no longer used, given back to the system."""

import ctypes
import gc


def give_back_memory() -> None:
    """Frees objects that hold each other, and has glibc return what is free, which it keeps otherwise."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only glibc has it
    if trim is not None:
        trim(0)
