"""Other libraries' own tests against ours, in a short form; all of them: incumbent_tests.py."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from incumbent_tests import format_result, format_table, main
from incumbents.methods import METHODS, Outcome, find_tests, run
from incumbents.reasons import BASELINE, NAMES, explain

BY_KEY = {method.key: method for method in METHODS}
FEW = {
    "A": [
        "pipeline/test_tagger.py::test_no_label",
        "pipeline/test_tagger.py::test_initialize_examples",
        "pipeline/test_senter.py::test_initialize_examples",
        "pipeline/test_entity_linker.py::test_no_entities",
        "training/test_rehearse.py::test_rehearse[tagger]",
    ],
    "B": [
        "pipeline/test_tok2vec.py::test_init_tok2vec",
        "pipeline/test_tok2vec.py::test_tok2vec_listener_callback",
        "pipeline/test_tok2vec.py::test_tok2vec_listener_source_link_name",
        "serialize/test_serialize_language.py::test_issue6950",
    ],
}


@pytest.mark.parametrize("key", list(FEW))
def test_a_few_pass(key: str) -> None:
    outcomes = run(replace(BY_KEY[key], options=()), tests=FEW[key]) or []
    assert [(o.test, o.outcome, o.why) for o in outcomes] == [(t, "passed", "") for t in FEW[key]]
    assert sum(outcome.has_met_ours for outcome in outcomes) >= 3


def test_paths_are_there() -> None:
    for method in METHODS:
        folder = find_tests(method.package)
        missing = [path for path in method.paths if folder and not (folder / path).exists()]
        assert missing == []


def test_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import incumbent_tests

    assert find_tests("no_such_package") is None
    monkeypatch.setattr(incumbent_tests, "RESULTS", tmp_path)
    absent = replace(BY_KEY["A"], package="no_such_package")
    monkeypatch.setattr(incumbent_tests, "METHODS", (absent,))
    assert main(["--methods", "A", "--name", "none"]) == 0
    assert "no_such_package is not installed" in (tmp_path / "none.md").read_text()


def test_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written down has to fit; then patience, then the other's own encoder."""
    said = {
        "test_replace_listeners[x]": "got, not spacy.Tok2Vec.v2",
        "test_config_interpolation": "another error than the known one",
        "test_late": "assert 1 < 0",
        "test_broken": "boom",
        "test_ours": "boom",
    }
    failed = [Outcome(f"a.py::{name}", "failed", True, why) for name, why in said.items()]
    asked: list[tuple[str | None, list[str]]] = []

    def pretend(method: Any, *, tests: list[str], variables: dict[str, str]) -> list[Outcome]:
        asked.append((method.plugin, tests))
        good = {"a.py::test_late"} if variables else {"a.py::test_ours", failed[1].test}
        return [Outcome(test, "passed" if test in good else "failed", True, "") for test in tests]

    monkeypatch.setattr("incumbents.reasons.run", pretend)
    reasons = explain(BY_KEY["B"], failed)
    assert "learning rate" in reasons.pop("a.py::test_late")
    assert reasons == {failed[0].test: NAMES, "a.py::test_broken": BASELINE}
    # An assertion is tried with patience, and only what is left without us.
    assert asked[0] == ("shared", ["a.py::test_late"])
    assert asked[-1] == (None, ["a.py::test_broken", failed[1].test, "a.py::test_ours"])
    assert explain(BY_KEY["B"], []) == {}


def test_report() -> None:
    failures = [
        {"test": "a.py::test_x", "reason": NAMES, "why": ""},
        {"test": "a.py::test_y", "reason": "", "why": "boom"},
    ]
    result = {"key": "B", "title": "all", "passed": 3, "n_others": 1, "failures": failures}
    assert "3 passed, 2 failed" in format_result(result)
    assert "NOT EXPLAINED: boom" in format_result(result)
    table = format_table([result, {"key": "C1", "title": "c", "not_run": "absent", "failures": []}])
    assert f"| B: `test_x` | {NAMES} |" in table
    assert "| c | absent | 0 |" in table
