"""SECURITY.md names, for every attack, tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_every_attack_has_a_test() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "attack" not in line]
    assert len(rows) >= 20
    for row in rows:
        names = re.findall(r"`((?:tests|benchmarks)/[\w/.]+\.py(?:::\w+)?)`", row)
        assert names, row
        for name in names:
            path, _, function = name.partition("::")
            tree = ast.parse((ROOT / path).read_text(encoding="utf8"))
            defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert not function or function in defined, name
