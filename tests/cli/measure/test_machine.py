"""What a measurement was made on."""

import subprocess
from pathlib import Path

from spacy_bert_plugin.cli.measure.machine import describe_line, describe_machine, find_commit


def test_machine_is_named() -> None:
    machine = describe_machine(threads=1, gpu="a card")
    assert isinstance(machine["versions"], dict)
    assert machine["versions"]["spacy"][0].isdigit()
    line = describe_line(machine)
    assert line.startswith("a card, ")
    assert ", 1 thread, " in line
    assert "a card" not in describe_line(describe_machine(threads=2))


def test_commit_of_a_checkout_only(tmp_path: Path) -> None:
    assert find_commit(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert find_commit(tmp_path) is None  # named like one, but none
    repo = tmp_path / "repo"
    person = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    command = ["git", "-C", str(repo), *person, "commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(command, check=True)
    commit = find_commit(repo)
    assert commit is not None
    assert "+changes" not in commit
    (repo / "new.txt").write_text("x")
    assert find_commit(repo) == f"{commit}+changes"


def test_line_without_a_commit() -> None:
    machine = {"processor": "p", "cores": 1, "threads": 2, "date": "today"}
    assert describe_line(machine) == "p, 1 core, 2 threads, today"
