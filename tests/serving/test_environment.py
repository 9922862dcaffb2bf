"""Whatever the machine is like: languages, clocks, folders, missing modules, errors.

`python -O` takes out assertions; `tests/test_architecture.py` sees to it that there are none.
"""

import io
import logging
import re
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from served_scripts import run_code
from spacy.language import Language

from spacy_bert_plugin.encoder import BertEncoder
from spacy_bert_plugin.errors import MissingDependencyError
from spacy_bert_plugin.layers._needs import check_torch

TEXTS = ["book a table in london", "play some music", "", "héllo wörld 你好 🎉"]

USED = ["book a table in london", "play some music", "", "h\u00e9llo w\u00f6rld \u4f60"]
USE = """
import sys, time
import spacy
clock, turn = time.time, iter(range(10**9))
# A clock that jumps back by an hour, and forward by a day, at every look.
time.time = lambda: clock() + (86400 if next(turn) % 2 else -3600)
nlp = spacy.load(sys.argv[1])
texts = ["book a table in london", "play some music", "", "h\\u00e9llo w\\u00f6rld \\u4f60"]
docs = list(nlp.pipe(texts))
folder = sys.argv[2] + "/model"
nlp.to_disk(folder)
again = list(spacy.load(folder).pipe(texts))
print([doc.text for doc in docs] == texts, [a.cats == b.cats for a, b in zip(docs, again)])
print(" ".join(f"{score:.4f}" for doc in docs for score in doc.cats.values()))
"""


# A language of plain ASCII; and, as a service often has it, no home, cache or temporary folder.
BARE = {
    **{"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONHASHSEED": "12345"},
    **{"HOME": "/dev/null", "XDG_CACHE_HOME": "", "TMPDIR": "/no/such/folder"},
}


def test_locales_and_clocks(model: Path, tmp_path: Path) -> None:
    result = run_code(USE, model, tmp_path, options=("-W", "error"), **BARE)
    same, scores = result.stdout.splitlines() or [result.stderr, ""]
    assert same == "True [True, True, True, True]"
    nlp = spacy.load(model)
    expected = [score for doc in nlp.pipe(USED) for score in doc.cats.values()]
    np.testing.assert_allclose([float(x) for x in scores.split()], expected, atol=2e-4)


def test_a_folder_with_any_name(model: Path, tmp_path: Path) -> None:
    nlp = spacy.load(model)
    folder = tmp_path / "mödel 你好 🎉 'quoted'\n"
    nlp.to_disk(folder)
    assert spacy.load(folder)(TEXTS[0]).cats == nlp(TEXTS[0]).cats


MISSING = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "cupy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Block())
import spacy
nlp = spacy.blank("en")
try:
    nlp.add_pipe("bert_transformer")
except ImportError as error:
    print(nlp.pipe_names, type(error).__name__, error)
"""


@pytest.mark.skipif(
    find_spec("spacy_transformers") is not None,
    reason="spaCy loads the factories of spacy-transformers first, which need torch to be imported",
)
def test_what_is_missing_is_named_with_its_remedy() -> None:
    result = run_code(MISSING)
    assert re.match(r"\[\] MissingDependencyError .*'torch'.*pip install", result.stdout), (
        result.stderr
    )


def test_old_torch_is_named_with_its_remedy() -> None:
    with pytest.raises(MissingDependencyError, match=r"2\.10 or later.*2\.9\.1.*pip install"):
        check_torch("2.9.1+cu128")
    for version in ("2.10.0", "2.13.0+cpu", "3.0.0a0", "unknown"):
        check_torch(version)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_error_of_the_device_loses_its_batch_alone(
    model: Path, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    """What CUDA raises when a device is lost comes out; then the pipeline can be used again."""
    nlp = spacy.load(model)
    expected = [doc.cats for doc in nlp.pipe(TEXTS)]
    forward, calls = BertEncoder.forward, iter(range(1, 1000))

    def fail(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == n:
            raise RuntimeError("CUDA error: device-side assert triggered")
        return forward(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(BertEncoder, "forward", fail)
        with pytest.raises(RuntimeError, match="CUDA error"):
            list(map(nlp, TEXTS))
    found = [doc.cats for doc in nlp.pipe(TEXTS)]
    for a, b in zip(found, expected, strict=True):
        assert a == pytest.approx(b, abs=1e-6)


def _predict_surrogate(nlp: Language) -> None:
    nlp("SECRET \ud800")


def _predict_number(nlp: Language) -> None:
    next(nlp.pipe(["SECRET", b"SECRET"]))


def _run_out_of_memory(nlp: Language) -> None:
    with pytest.MonkeyPatch.context() as patch:

        def fail(*args: Any, **kwargs: Any) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory.")

        patch.setattr(BertEncoder, "forward", fail)
        nlp("SECRET " * 30)


def _miss_the_encoder(nlp: Language) -> None:
    with nlp.select_pipes(disable="bert_transformer"):
        nlp("SECRET")


def _exceed(nlp: Language) -> None:
    nlp("SECRET " * 200_000)


@pytest.mark.parametrize(
    "act", [_predict_surrogate, _predict_number, _run_out_of_memory, _miss_the_encoder, _exceed]
)
def test_errors_and_logs_hold_no_text(
    model: Path, caplog: pytest.LogCaptureFixture, act: Callable[[Language], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    warnings.simplefilter("always")
    nlp = spacy.load(model)
    shown = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as warned,
        redirect_stdout(shown),
        redirect_stderr(shown),
        pytest.raises(Exception) as caught,
    ):
        act(nlp)
    errors: list[BaseException] = []
    error: BaseException | None = caught.value
    while error is not None:
        errors.append(error)
        error = error.__cause__ or error.__context__
    told = [*map(str, errors), *(str(w.message) for w in warned), caplog.text, shown.getvalue()]
    assert not [text for text in told if "SECRET" in text]


def test_a_huge_word_is_not_repeated_in_warnings(model: Path) -> None:
    nlp = spacy.load(model)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        nlp("SECRET" * 3000)
    assert not [w for w in warned if "SECRET" in str(w.message)]
