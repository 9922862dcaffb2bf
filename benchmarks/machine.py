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
    "spacy-transformers",
    "spacy-curated-transformers",
    "curated-transformers",
)
CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
ROOT = Path(__file__).resolve().parent.parent


def describe_machine(*, threads: int, gpu: str = "") -> dict[str, object]:
    """Name the processor, what it can do, the memory, the commit and the versions."""
    model, flags = _processor()
    load = os.getloadavg()[0]
    return {
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "processor": model,
        "flags": [flag for flag in CPU_FLAGS if flag in flags],
        "cores": os.cpu_count(),
        "threads": threads,
        **({"gpu": gpu} if gpu else {}),
        "load_at_start": round(load, 2),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": _versions(),
    }


def describe_line(machine: dict[str, object]) -> str:
    """One line for the foot of a table or picture."""
    gpu = f"{machine['gpu']}, " if "gpu" in machine else ""
    return (
        f"{gpu}{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, "
        f"commit {machine['commit']}, {machine['date']}"
    )


def find_gpu() -> str:
    """Name of the first CUDA device, asked in a process of its own; empty without one."""
    code = "import torch as t; print(t.cuda.get_device_name() if t.cuda.is_available() else '')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> tuple[str, set[str]]:
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


def _commit() -> str:
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        # Results of earlier runs are not part of what was measured.
        changes = _git("status", "--porcelain", "--", ".", ":!benchmarks/results")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}+changes" if changes else commit


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
