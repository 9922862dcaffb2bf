"""What a measurement was made on: processor, threads, commit and versions."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "spacy-bert-plugin",
    "torch",
    "spacy",
    "thinc",
    "numpy",
    "tokenizers",
    "transformers",
    "onnxruntime",
    "spacy-transformers",
    "spacy-curated-transformers",
    "curated-transformers",
)
CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
# The checkout, where this package is run from one.
ROOT = Path(__file__).resolve().parents[3]
FIND_GPU = "import torch as t; print(t.cuda.get_device_name() if t.cuda.is_available() else '')"


def describe_machine(*, threads: int, gpu: str = "") -> dict[str, object]:
    """Name the processor, what it can do, the memory, the commit and the versions.

    threads (int): Those that were computed with.
    gpu (str): Name of the GPU that was used.
    """
    model, flags = _find_processor()
    commit = find_commit()
    return {
        "date": datetime.date.today().isoformat(),
        **({"commit": commit} if commit else {}),
        "processor": model,
        "flags": [flag for flag in CPU_FLAGS if flag in flags],
        "cores": os.cpu_count(),
        "threads": threads,
        **({"gpu": gpu} if gpu else {}),
        **_measure_machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": _find_versions(),
    }


def describe_line(machine: dict[str, object]) -> str:
    """One line for the foot of a table or picture."""
    gpu = f"{machine['gpu']}, " if "gpu" in machine else ""
    commit = f"commit {machine['commit']}, " if "commit" in machine else ""
    counts = [
        f"{machine[what]} {what[:-1] if machine[what] == 1 else what}"
        for what in ("cores", "threads")
    ]
    return f"{gpu}{machine['processor']}, {', '.join(counts)}, {commit}{machine['date']}"


def find_gpu() -> str:
    """Name of the first CUDA device, asked in a process of its own; empty without one."""
    command = [sys.executable, "-c", FIND_GPU]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def find_commit(root: Path = ROOT) -> str | None:
    """The commit of a checkout, `+changes` where it was changed since; None for anything else."""
    if not (root / ".git").exists():
        return None
    try:
        commit = _run_git(root, "rev-parse", "--short", "HEAD")
        # Results of earlier runs are not part of what was measured.
        changes = _run_git(root, "status", "--porcelain", "--", ".", ":!benchmarks/results")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}+changes" if changes else commit


def _run_git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _find_processor() -> tuple[str, set[str]]:
    model, flags = platform.processor() or platform.machine(), set[str]()
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return model, flags
    fields: dict[str, str] = {}
    for line in info.read_text(encoding="utf8").splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    family = f"family {fields.get('cpu family', '?')} model {fields.get('model', '?')}"
    return f"{fields.get('model name', model)} ({family})", set(fields.get("flags", "").split())


def _measure_machine() -> dict[str, float]:
    """Load and memory, where the system tells."""
    if not hasattr(os, "getloadavg"):
        return {}
    n_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "load_at_start": round(os.getloadavg()[0], 2),
        "memory_gib": round(n_bytes / 2**30, 1),
    }


def _find_versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
