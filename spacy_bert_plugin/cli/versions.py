"""Installed versions, held against what the package asks for."""

import platform
from importlib import metadata

from packaging.requirements import Requirement

from ..about import __version__

NAME = "spacy-bert-plugin"
PACKAGES = (
    *("spacy", "thinc", "torch", "transformers", "tokenizers", "safetensors"),
    *("huggingface-hub", "numpy", "typer", "spacy-transformers", "onnxruntime"),
    *("cupy-cuda12x", "cupy-cuda13x"),
)
# What works without: listed only where it is installed
OPTIONAL = {"spacy-transformers", "onnxruntime", "cupy-cuda12x", "cupy-cuda13x"}
CHECKED = (NAME, "spacy", "thinc", "transformers", "spacy-transformers")


def find_version(package: str) -> str | None:
    """Look up the installed version of a distribution."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def describe_versions() -> dict[str, str]:
    """Versions by name of distribution."""
    rows = {NAME: __version__, "python": f"{platform.python_version()} on {platform.platform()}"}
    for package in PACKAGES:
        version = find_version(package)
        if version is not None or package not in OPTIONAL:
            rows[package] = version or "missing"
    return rows


def find_version_problems() -> list[tuple[str, str]]:
    """Find packages that are missing, or of a version that another one refuses.

    Requirements come from the installed packages themselves; those of extras are left out.
    RETURNS (list): What is wrong, and the command that changes it.
    """
    problems = []
    for package in CHECKED:
        if find_version(package) is None:
            continue
        for text in metadata.requires(package) or ():
            wanted = Requirement(text)
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
                continue
            got = find_version(wanted.name)
            if got is None or not wanted.specifier.contains(got, prereleases=True):
                what = f"{package} needs {wanted.name}{wanted.specifier}, found {got or 'none'}"
                remedy = f"python -m pip install '{wanted.name}{wanted.specifier}'"
                problems.append((what, remedy))
    return problems
