"""What the machine computes on."""

import importlib
import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec

from .versions import NAME, find_version

CUPY_PACKAGES = ("cupy-cuda12x", "cupy-cuda13x", "cupy")
GIB = 2**30


def describe_device() -> dict[str, str]:
    """Processor, GPUs and the precisions that they compute in hardware."""
    import torch

    from ..batching import supports_bf16

    rows = {
        "cpu": f"{os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads",
        "cpu precision": _name_precisions(supports_bf16(torch.device("cpu"))),
    }
    for i in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(i)
        rows[f"gpu {i}"] = (
            f"{device.name}, {device.total_memory / GIB:.0f} GiB, CUDA {torch.version.cuda}, "
            f"compute capability {device.major}.{device.minor}"
        )
        rows[f"gpu {i} precision"] = _name_precisions(supports_bf16(torch.device("cuda", i)))
    if not torch.cuda.device_count():
        rows["gpu"] = "none that torch can use"
    if torch.backends.mps.is_available():
        rows["apple gpu"] = "not used: it trains wrongly; the processor is used"
    return rows


def _name_precisions(has_bf16: bool) -> str:
    return "fp32, bf16" if has_bf16 else "fp32 (bf16 would be slower here)"


def find_gpu_problems() -> list[tuple[str, str]]:
    """Find what keeps torch or spaCy from a GPU that is there.

    RETURNS (list): What is wrong, and the command that changes it.
    """
    import torch

    return explain_gpu(
        has_driver=shutil.which("nvidia-smi") is not None,
        n_devices=torch.cuda.device_count(),
        cuda=torch.version.cuda,
        cupy=[name for name in CUPY_PACKAGES if find_version(name)],
        cupy_error=_try_cupy,
    )


def explain_gpu(
    *,
    has_driver: bool,
    n_devices: int,
    cuda: str | None,
    cupy: list[str],
    cupy_error: Callable[[], str | None],
) -> list[tuple[str, str]]:
    """Say what is wrong with a GPU set-up.

    has_driver (bool): The NVIDIA driver's tools are there.
    n_devices (int): GPUs that torch can use.
    cuda (str): CUDA version that torch was built for, None for a CPU build.
    cupy (list): Installed distributions of CuPy.
    cupy_error (Callable): Imports CuPy, returns what went wrong.
    RETURNS (list): What is wrong, and the command that changes it.
    """
    if has_driver and not n_devices:
        if cuda is None:
            what = "There is an NVIDIA driver, but this torch was built for the CPU only"
            remedy = "python -m pip install --force-reinstall torch"
        else:
            what = f"There is an NVIDIA driver, but torch, built for CUDA {cuda}, finds no GPU"
            remedy = "nvidia-smi  (compare its CUDA version; update the driver if it is older)"
        return [(what, remedy)]
    if not n_devices or cuda is None:
        return []
    extra = f"cuda{cuda.partition('.')[0]}x"
    install = f"python -m pip install '{NAME}[{extra}]'"
    if not cupy:
        return [("There is a GPU, but spaCy cannot use it without CuPy", install)]
    if len(cupy) > 1:
        remove = f"python -m pip uninstall -y {' '.join(cupy)} && {install}"
        return [(f"Several CuPy packages are in each other's way: {', '.join(cupy)}", remove)]
    error = cupy_error()
    if error is None:
        return []
    remedy = f"python -m pip uninstall -y {cupy[0]} && {install}"
    return [(f"{cupy[0]} does not work with this GPU: {error}", remedy)]


def _try_cupy() -> str | None:
    if find_spec("cupy") is None:
        return "it cannot be imported"
    try:
        importlib.import_module("cupy").zeros(1).sum().item()
    # Whatever CuPy stumbles over (driver, compiler, library) is the answer to show
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return None
