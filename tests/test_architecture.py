"""The house plan: imports flow one way, raises carry a message, forbidden calls stay out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "spacy_bert_plugin"

# A module imports from its own room and from lower floors only. Deferred and type-checking
# imports count too: hiding an import does not change who depends on whom.
FLOORS = [
    {"errors", "about"},
    {"_compat", "typedefs", "util"},
    {"pieces", "encoder", "batching"},
    {"checkpoints", "heads"},
    {"layers", "training"},
    {"pipeline", "pretraining"},
    {"compression", "explain", "distributed", "interop", "checks"},
    {"viz"},
    {"cli"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(ROOT.rglob("*.py"))


def name_module(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def iter_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and absolute dotted target of every import of a file."""
    module = name_module(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                up = node.level - (1 if path.name == "__init__.py" else 0)
                base = ".".join([*parents[: len(parents) - up], base]).rstrip(".")
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def find_room(module: str) -> str:
    return [*module.split("."), ""][1]


@pytest.mark.parametrize("path", FILES, ids=name_module)
def test_imports_flow_down(path: Path) -> None:
    here = find_room(name_module(path))
    found = []
    for line, target in iter_imports(path):
        there = find_room(target) if target.startswith("spacy_bert_plugin.") else here
        if here and there != here and FLOOR_OF[there] >= FLOOR_OF[here]:
            found.append(f"line {line}: {here} -> {there}")
    assert found == []


LIMITS = {  # room -> packages that it may not import, at any depth
    "pieces": {"torch", "spacy", "thinc", "transformers"},
    "batching": {"spacy", "thinc", "transformers"},
    "encoder": {"spacy", "thinc"},
    "heads": {"spacy", "thinc"},
    "checkpoints": {"spacy", "thinc"},
}


@pytest.mark.parametrize("path", FILES, ids=name_module)
def test_rooms_keep_to_their_packages(path: Path) -> None:
    banned = LIMITS.get(find_room(name_module(path)), set())
    found = [t for _, t in iter_imports(path) if t.partition(".")[0] in banned]
    assert found == []


@pytest.mark.parametrize("path", FILES, ids=name_module)
def test_raises_carry_a_message(path: Path) -> None:
    silent = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if not isinstance(node, ast.Raise) or node.exc is None:
            continue
        named = isinstance(node.exc, ast.Name) and node.exc.id.endswith("Error")
        called = isinstance(node.exc, ast.Call) and not (node.exc.args or node.exc.keywords)
        if named or called:
            silent.append(node.lineno)
    assert silent == []


FORBIDDEN = [
    r"\bimport pickle\b",
    r"\btorch\.load\(",
    r"trust_remote_code\s*=\s*True",
    r"(?<![\w.])eval\(",
    r"shell\s*=\s*True",
    r"except\s*:",
    r"\.train\(\)",
]


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_forbidden_calls_stay_out(pattern: str) -> None:
    hits = [name_module(p) for p in FILES if re.search(pattern, p.read_text(encoding="utf8"))]
    assert hits == []


def test_error_codes_belong_to_one_message() -> None:
    from spacy_bert_plugin.errors import Errors

    codes = [name for base in Errors.__mro__[1:-1] for name in vars(base) if name[:2] == "SB"]
    assert len(codes) == len(set(codes)) > 0


def test_every_error_code_is_used() -> None:
    from spacy_bert_plugin.errors import Errors

    text = "".join(p.read_text(encoding="utf8") for p in FILES if p.parent.name != "errors")
    unused = [name for name in dir(Errors) if name.startswith("SB") and name not in text]
    assert unused == []
