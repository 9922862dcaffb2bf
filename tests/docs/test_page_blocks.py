"""The runner of pages finds what is wrong with one."""

from pathlib import Path

import pytest
from page_blocks import Block, read_blocks
from test_pages import Runner

PAGE = """# A page

<!-- test: needs json -->
<!-- test -->
```python
x = 1
print("one and", x)
```

```python
x = no_such_name
```

<!-- test -->

```text
one ... 1
```

````
<!-- test -->
```python
not run
```
````

<!-- test: write a/b.cfg -->
```ini
[a]
```
<!-- test -->
~~~bash
cat a/b.cfg
~~~
"""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parent.parent.parent / "docs" / "page.md"
    return Runner(page, tmp_path, lambda thing, name: None)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf8")
    return path


def test_marked_blocks_are_read_in_order(tmp_path: Path) -> None:
    blocks = read_blocks(write(tmp_path, PAGE))
    assert [(b.action, b.line, b.arguments) for b in blocks] == [
        ("needs", 3, ("json",)),
        ("python", 6, ()),
        ("text", 17, ()),
        ("write", 29, ("a/b.cfg",)),
        ("bash", 33, ()),
    ]
    assert blocks[1].text == 'x = 1\nprint("one and", x)\n'


def test_a_page_without_marks_has_no_blocks(tmp_path: Path) -> None:
    assert read_blocks(write(tmp_path, "")) == []
    assert read_blocks(write(tmp_path, "```python\nx\n```\n")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<!-- test: jump -->\n", "nobody understands"),
        ("<!-- test: write -->\n```\n```\n", "nobody understands"),
        ("<!-- test -->\nwords\n", "no fenced block"),
        ("<!-- test -->", "no fenced block"),
        ("<!-- test -->\n```ini\n[a]\n```\n", "a block of 'ini'"),
        ("<!-- test -->\n```python\nx = 1\n", "no end"),
    ],
)
def test_marks_that_do_nothing_are_errors(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        read_blocks(write(tmp_path, text))


def test_blocks_run_in_one_folder_and_namespace(tmp_path: Path, runner: Runner) -> None:
    for block in read_blocks(write(tmp_path, PAGE)):
        runner.run(block)
    assert runner.namespace["x"] == 1
    assert runner.printed == "[a]\n"


def test_what_fails_is_seen(runner: Runner) -> None:
    with pytest.raises(NameError):
        runner.run(Block("python", "no_such_name\n", 1))
    with pytest.raises(AssertionError, match=r"page.md:7 exits 3\s+why"):
        runner.run(Block("bash", "echo why\nfalse || exit 3\n", 7))
    with pytest.raises(AssertionError, match="exits 1"):
        runner.run(Block("bash", "false\necho never\n", 7))
    runner.run(Block("python", "print('two\\n lines')\n", 1))
    runner.run(Block("text", "two lines\nt...nes\n", 1))
    with pytest.raises(AssertionError, match="not printed: lines two"):
        runner.run(Block("text", "lines two\n", 1))


def test_commands_of_spacy_run_here_and_the_rest_in_bash(tmp_path: Path, runner: Runner) -> None:
    lines = [
        "python -m spacy bert \\",
        "    --help  # what there is",
        "echo two | tr o 0 > tw0.txt",
    ]
    runner.run(Block("bash", "\n".join([*lines, "cat tw0.txt", ""]), 1))
    assert "export-onnx" in runner.printed
    assert runner.printed.endswith("tw0\n")
    runner.run(Block("bash", "mkdir inner\ncd inner\nX=3\ntouch a\necho $X$(ls)\n", 1))
    assert runner.printed == "3a\n"
    with pytest.raises(AssertionError, match=r"(?s)exits 2\s.*No such command"):
        runner.run(Block("bash", "python -m spacy bert no-such-command\necho never\n", 1))


def test_blocks_in_a_list_lose_their_indentation(tmp_path: Path) -> None:
    lines = ["* a point", "", "<!-- test -->", "```python", "for n in x:", "    print(n)", "```"]
    block = Block("python", "for n in x:\n    print(n)\n", 5)
    assert read_blocks(write(tmp_path, "\n  ".join(lines))) == [block]
