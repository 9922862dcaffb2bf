"""Which tests of other libraries run against ours, and how."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).parent
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
SECONDS = 3600.0  # the longest takes a few minutes on a machine at rest
PYTEST = ("-p", "no:cacheprovider", "-q", "--tb=short", "--continue-on-collection-errors")


@dataclass(frozen=True)
class Method:
    """One way to put ours where another library's own would be.

    key, title (str): Short and long name.
    package (str): Whose tests run; they are read from where it is installed.
    plugin (str | None): The pytest plugin that does the patching; None: nothing is patched.
    paths (tuple): Files and folders of the package's tests.
    variables (dict): Of the environment.
    options (tuple): For pytest.
    """

    key: str
    title: str
    package: str
    plugin: str | None
    paths: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of one test."""

    test: str
    outcome: str
    has_met_ours: bool
    why: str


SLOW = ("--slow",)
THEIR_PATHS = (
    "test_configs.py",
    "test_pipeline_component.py",
    "test_serialize.py",
    "test_textcatcnn.py",
    "test_tok2vectransformer.py",
    "regression",
)
METHODS = (
    Method(
        "A",
        "spaCy's components, each over an encoder of ours",
        "spacy",
        "inline",
        ("pipeline", "parser", "training", "serialize", "test_language.py", "test_pickles.py"),
        options=SLOW,
    ),
    Method(
        "B",
        "spaCy's shared tok2vec and its listeners become ours",
        "spacy",
        "shared",
        (
            "pipeline/test_tok2vec.py",
            "pipeline/test_annotates_on_update.py",
            "serialize/test_serialize_config.py",
            "serialize/test_serialize_language.py",
            "training/test_pretraining.py",
            "training/test_readers.py",
            "training/test_training.py",
            "test_ty.py",
        ),
        options=SLOW,
    ),
    Method(
        "C1",
        "spacy-transformers' encoder becomes ours, its listeners stay",
        "spacy_transformers",
        "theirs",
        THEIR_PATHS,
        {"LISTENERS": "theirs"},
    ),
    Method(
        "C2",
        "spacy-transformers' encoder and its listeners become ours",
        "spacy_transformers",
        "theirs",
        THEIR_PATHS,
        {"LISTENERS": "ours"},
    ),
)


def find_tests(package: str) -> Path | None:
    """Folder of a package's tests; None if it is not installed, or without them."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "tests"
    return folder if folder.is_dir() else None


def run(
    method: Method, *, tests: Sequence[str] = (), variables: Mapping[str, str] = NO_VARIABLES
) -> list[Outcome] | None:
    """Run the tests of a method in a process of its own, in an empty folder, without a network.

    tests (Sequence[str]): Paths and ids below the tests of the package; empty: the method's paths.
    variables (Mapping): Of the environment, besides those of the method.
    RETURNS (list[Outcome] | None): None if the package is not installed.
    """
    folder = find_tests(method.package)
    if folder is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        if method.package == "spacy_transformers":
            from .folders import write_folders

            write_folders(work)
        plugins = [method.plugin] if method.plugin is not None else []
        names = [f"incumbents.{plugin}" for plugin in (*plugins, "outcomes")]
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "pytest", *PYTEST]
        command += ["-c", os.devnull, "--rootdir", str(folder)]
        command += [part for name in names for part in ("-p", name)]
        command += [*method.options, *(f"{folder}/{test}" for test in tests or method.paths)]
        environment = {
            **os.environ,
            **method.variables,
            **variables,
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "OUTCOMES": str(work / "outcomes.jsonl"),
            "PYTHONPATH": str(HERE.parent),
        }
        done = subprocess.run(
            command, cwd=work, env=environment, timeout=SECONDS, capture_output=True, text=True
        )
        file = work / "outcomes.jsonl"
        if not file.exists():
            message = f"no test ran, exit code {done.returncode}: {done.stdout[-500:]}"
            return [Outcome(method.key, "failed", True, message + done.stderr[-500:])]
        lines = file.read_text(encoding="utf-8").splitlines()
        return [Outcome(**json.loads(line)) for line in lines]
