"""Memory of this process, in bytes."""

from __future__ import annotations

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
FIELDS = {"resident": "VmRSS", "peak": "VmHWM"}


def read_resident() -> int | None:
    """Resident memory now; None where the system does not say."""
    return _read_status("resident")


def read_peak() -> int | None:
    """Highest resident memory so far; None where the system does not say.

    Linux keeps what `getrusage` says over an `exec`: there a child starts at the size of the
    process that started it. The status file begins anew.
    """
    peak = _read_status("peak")
    if peak is not None or sys.platform == "win32":
        return peak
    import resource

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


def read_gpu_peak() -> int | None:
    """Most device memory that torch has held; None where it has held none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return int(torch.cuda.max_memory_reserved()) or None


def _read_status(what: str) -> int | None:
    if not STATUS.exists():
        return None
    for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name == FIELDS[what]:
            return int(value.split()[0]) * 1024
    return None
