"""Checks see what is wrong, and nothing where nothing is."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.tokens import Doc
from spacy.training import Example

from spacy_bert_plugin.checks import CheckResult, check_component, child, find_rows, format_rows
from spacy_bert_plugin.checks.apart import read_answer
from spacy_bert_plugin.checks.result import CHECKS, Skip
from spacy_bert_plugin.checks.texts import GOLD, SENTENCES, make_random_texts
from spacy_bert_plugin.errors import SettingError

# Those that take least time. All of them: benchmarks/faults.py
INPUTS = [*range(1, 14), 16, 17, 23, 24, 25, 26, *range(28, 35)]
USES = [27, 36, 37, 92, 94, 98]


def list_failed(results: Iterable[CheckResult]) -> dict[int, str]:
    return {r.row: r.reason for r in results if r.status == "failed"}


@pytest.fixture
def our_nlp(tiny_checkpoint: Path) -> Language:
    nlp = spacy.blank("en")
    config = {"model": {"name": str(tiny_checkpoint), "overlap": 8}}
    nlp.add_pipe("bert_transformer", config=config)
    nlp.add_pipe("bert_textcat")
    nlp.add_pipe("bert_ner")
    examples = [Example.from_dict(nlp.make_doc(text), gold) for text, gold in GOLD]
    sgd = nlp.initialize(lambda: examples)
    nlp.update(examples, sgd=sgd)
    return nlp


@pytest.mark.parametrize("rows", [INPUTS, USES])
def test_ours_pass(our_nlp: Language, rows: list[int]) -> None:
    before = [our_nlp(text).cats for text in SENTENCES]
    results = check_component(our_nlp, rows=rows)
    assert list_failed(results) == {}
    assert [r.row for r in results] == [0, *rows]
    assert {r.row for r in results if r.status == "skipped"} <= {25}
    assert [our_nlp(text).cats for text in SENTENCES] == before


def test_a_factory_by_name_and_config() -> None:
    results = check_component("tagger", rows=[1, 2, 76, 89])
    assert [r.status for r in results] == ["passed"] * 5
    (result,) = check_component("tagger", config={"no_such_setting": 1}, rows=[])
    assert result.status == "failed"
    assert "no_such_setting" in result.reason


def test_a_process_of_its_own(textcat_nlp: Language) -> None:
    """The result comes back from there; time that is too short is a failure, no hang."""
    assert [r.status for r in check_component(textcat_nlp, rows=[52])] == ["passed"] * 2
    _, late = check_component(textcat_nlp, rows=[52], seconds=0.01)
    assert late.status == "failed"
    assert "0.01 s" in late.reason


def test_answers_of_another_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child.main("52", str(tmp_path / "nothing"))
    out = capsys.readouterr().out
    skipped = read_answer(out, "", 0)
    assert isinstance(skipped, Skip)
    assert "cannot load the pipeline: OSError" in skipped.reason
    assert read_answer('noise\n{"problem": null}\n', "", 0) is None
    assert read_answer('{"problem": "no", "is_skipped": true}', "", 0) == Skip("no")
    assert read_answer("", "Segmentation fault", -11) == "ended with -11: Segmentation fault"


class Shaky(TextCategorizer):
    """Gives other scores every time."""

    def set_annotations(self, docs: Iterable[Doc], scores: Any) -> None:
        super().set_annotations(docs, scores + random.random() / 100)


class Silent(TextCategorizer):
    """Loses documents with nothing in them."""

    def pipe(self, stream: Iterable[Doc], **kwargs: Any) -> Any:
        return super().pipe((doc for doc in stream if len(doc)), **kwargs)


class Undefined(TextCategorizer):
    """Divides by the number of tokens that are words."""

    def set_annotations(self, docs: Iterable[Doc], scores: Any) -> None:
        docs = list(docs)
        if scores.size:
            scores = np.array(scores)
            scores[[not any(t.is_alpha for t in doc) for doc in docs]] = np.nan
        super().set_annotations(docs, scores)


class Batched(TextCategorizer):
    """Scores depend on what else is in the batch."""

    def set_annotations(self, docs: Iterable[Doc], scores: Any) -> None:
        super().set_annotations(docs, scores / len(scores) if len(scores) else scores)


class Forgetful(TextCategorizer):
    """Keeps the weights that it has instead of those that were saved."""

    def from_disk(self, path: Any, *, exclude: Iterable[str] = ()) -> TextCategorizer:
        left_out = ["model"] if self.model.name == "trained" else []
        loaded: TextCategorizer = super().from_disk(path, exclude=[*exclude, *left_out])
        return loaded

    def finish_update(self, sgd: Any) -> None:
        super().finish_update(sgd)
        self.model.name = "trained"


class Broken(TextCategorizer):
    """Cannot be saved."""

    def to_disk(self, path: Any, *, exclude: Iterable[str] = ()) -> None:
        raise RuntimeError("cannot be saved")


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        (Shaky, 98, "cats differ"),
        (Shaky, 41, "threads"),
        (Silent, 31, "0 documents and not 5"),
        (Silent, 32, "documents and not"),
        (Undefined, 2, "not finite"),
        (Batched, 33, "cats differ"),
        (Forgetful, 76, "cats differ"),
        (Broken, 0, "cannot be saved"),
        (TextCategorizer, 36, "good documents were lost"),
        (TextCategorizer, 34, "batch_size=0"),
    ],
)
def test_faults_are_seen(
    kind: type[TextCategorizer],
    row: int,
    reason: str,
    register: Callable[[type[TextCategorizer]], str],
) -> None:
    failed = list_failed(check_component(register(kind), rows=[row] if row else [1]))
    assert reason in failed[row]


def test_rows_are_told_as_they_come(textcat_nlp: Language) -> None:
    told: list[CheckResult] = []
    results = check_component(textcat_nlp, rows=[2, 1, 2], tell=told.append)
    assert told == results
    assert [r.row for r in results] == [0, 1, 2]


def test_nothing_to_check() -> None:
    result, skipped = check_component(spacy.blank("en"), rows=[1])
    assert (result.row, result.status) == (0, "failed")
    assert "no component with a model" in result.reason
    assert skipped.status == "skipped"


@pytest.mark.parametrize("what", [None, 3, b"tagger"])
def test_what_is_neither(what: Any) -> None:
    with pytest.raises(SettingError, match="name of a factory or a pipeline"):
        check_component(what)


def test_rows() -> None:
    assert find_rows(None) == sorted(CHECKS)
    assert find_rows([3, 1, 3]) == [1, 3]
    assert format_rows([]) == ""
    assert format_rows([5, 1, 2, 3, 7]) == "1-3, 5, 7"
    with pytest.raises(SettingError, match="53"):
        find_rows([1, 53])
    assert set(CHECKS) >= {*range(1, 45), *range(48, 53), 76, *range(91, 99)}


def test_random_texts_are_the_same_every_time() -> None:
    texts = make_random_texts(20)
    assert texts == make_random_texts(20)
    assert texts != make_random_texts(20, seed=1)
    assert make_random_texts(0) == []
