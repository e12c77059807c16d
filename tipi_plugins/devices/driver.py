"""The GPUs in CUDA's own order, which only its driver knows where they are not all alike.

The driver is asked in a process of its own: a process that has started the driver can no longer be forked with it.
"""

from __future__ import annotations

import sys

LIBRARY = "libcuda.so.1"
PATIENCE = 20.0  # seconds; a machine of many GPUs whose driver sleeps needs some of them
QUESTION = """
import ctypes, sys, uuid
cuda = ctypes.CDLL(sys.argv[1])
ask = getattr(cuda, "cuDeviceGetUuid_v2", cuda.cuDeviceGetUuid)
count, device, name = ctypes.c_int(), ctypes.c_int(), (ctypes.c_ubyte * 16)()
assert not cuda.cuInit(0) and not cuda.cuDeviceGetCount(ctypes.byref(count))
for index in range(count.value):
    assert not cuda.cuDeviceGet(ctypes.byref(device), index) and not ask(name, device)
    print(f"MIG-{uuid.UUID(bytes=bytes(name))}")
"""


def list_uuids(library: str = LIBRARY) -> list[str] | None:
    """Return the UUIDs of the GPUs that this process sees, in torch's order, each written as that of a part of one.

    The driver reads CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER itself. It tells no whole GPU from a part (MIG): all
    come as ``MIG-`` and 32 hexadecimal digits in groups.

    Args:
        library: The driver's library.

    Returns:
        None where the driver does not answer.

    Example:
        >>> list_uuids("no such library")
    """
    import subprocess

    command = [sys.executable or "python3", "-I", "-S", "-c", QUESTION, library]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.split() if done.returncode == 0 else None
