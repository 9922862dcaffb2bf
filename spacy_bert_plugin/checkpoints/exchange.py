"""Two folders that change places in one call of the system, where it has such a call.

Between two renames a killed process leaves no folder under the name that readers open. Linux can
swap two names at once, on most of its file systems: renameat2(2), flag RENAME_EXCHANGE.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

_HERE = -100  # AT_FDCWD: paths are taken as they are
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchange_paths(one: Path, other: Path) -> bool:
    """Let two paths that exist change places: at every moment both are there.

    one, other (Path): On the same file system.
    RETURNS (bool): Whether they did. False where the system or its file system cannot, or will
        not; then nothing has changed.
    """
    call = _find_call()
    if call is None:
        return False
    return call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


@lru_cache(maxsize=1)
def _find_call() -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None), "renameat2", None)
    if found is not None:
        # Without this a 64-bit pointer to a name would be cut off.
        found.argtypes = [  # type: ignore[attr-defined]
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_uint,
        ]
    return found
