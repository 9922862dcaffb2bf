"""The pages say what is true: their marked blocks run, their links lead somewhere."""

import contextlib
import importlib.util
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_blocks import Block, read_blocks
from shell import run_block

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
TESTED = [page for page in PAGES if read_blocks(page)]

PutT = Callable[[str, str], None]


def name_page(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


class Runner:
    """Runs the blocks of one page in one folder and one namespace."""

    def __init__(self, page: Path, folder: Path, put: PutT) -> None:
        self.page, self.folder, self.put = page, folder, put
        self.namespace: dict[str, Any] = {"__name__": "page"}
        self.printed = ""

    def run(self, block: Block) -> None:
        getattr(self, f"do_{block.action}")(block)

    def do_python(self, block: Block) -> None:
        # Empty lines in front: a traceback names the line of the page.
        code = compile("\n" * (block.line - 1) + block.text, str(self.page), "exec")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code, self.namespace)
        self.printed = out.getvalue()

    def do_bash(self, block: Block) -> None:
        status, self.printed = run_block(block.text, self.folder)
        where = f"{name_page(self.page)}:{block.line}"
        assert status == 0, f"{where} exits {status}\n{self.printed[-4000:]}"

    def do_text(self, block: Block) -> None:
        printed = " ".join(self.printed.split())
        for expected in block.text.splitlines():
            parts = [re.escape(" ".join(part.split())) for part in expected.split("...")]
            assert re.search(".*".join(parts), printed), f"not printed: {expected}\n{self.printed}"

    def do_write(self, block: Block) -> None:
        path = self.folder / block.arguments[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf8")

    def do_copy(self, block: Block) -> None:
        self.put(*block.arguments)

    def do_needs(self, block: Block) -> None:
        if importlib.util.find_spec(block.arguments[0]) is None:
            pytest.skip(f"{block.arguments[0]} is not installed")


@pytest.mark.parametrize("page", TESTED, ids=name_page)
def test_blocks_run(
    page: Path, tmp_path: Path, put_thing: PutT, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = read_blocks(page)
    runner = Runner(page, tmp_path, put_thing)
    for block in blocks:
        if block.action == "needs":
            runner.run(block)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    put_thing("encoder", "encoder")
    put_thing("corpus", "corpus")
    if any(re.search(r"\bpipeline\b", block.text) for block in blocks):
        put_thing("pipeline", "pipeline")
    for block in blocks:
        runner.run(block)


LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"(?ms)^(```|~~~).*?^\1[ \t]*$", "", page.read_text(encoding="utf8"))
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert missing == []


def test_index_names_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link).resolve() for link in LINK.findall(index.read_text("utf8"))}
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")} - {index.resolve()}
    assert sorted(map(name_page, pages - linked)) == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "doors").glob("*.md")), ids=name_page)
def test_every_door_has_an_example_that_runs(page: Path) -> None:
    assert {block.action for block in read_blocks(page)} & {"python", "bash"}
