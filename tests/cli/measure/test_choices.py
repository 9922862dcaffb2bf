"""Pipelines as they are named on a command line."""

from pathlib import Path

import pytest

from spacy_bert_plugin.cli.measure.benchmark import make_system
from spacy_bert_plugin.cli.measure.choices import parse_choice, parse_choices
from spacy_bert_plugin.errors import SettingError


def test_names_paths_and_overrides() -> None:
    text = "bf16=a/model-best,components.bert_transformer.precision=bf16,nlp.batch_size=8"
    overrides = {"components.bert_transformer.precision": "bf16", "nlp.batch_size": 8}
    assert parse_choice(text) == ("bf16", "a/model-best", overrides)
    assert parse_choice("en_core_web_sm") == ("", "en_core_web_sm", {})
    assert parse_choice("m,a.b=[1, 2]") != parse_choice('m,a.b="x"')
    assert parse_choice('m,a.b="3"')[2] == {"a.b": "3"}


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "lr=1,x"
    folder.mkdir()
    assert parse_choice(str(folder)) == ("", str(folder), {})
    plain = tmp_path / "lr=2"
    plain.mkdir()
    assert parse_choice(f"{plain},a.b=1") == ("", str(plain), {"a.b": 1})


def test_names_without_being_given() -> None:
    assert [c.name for c in parse_choices(["a/model-best", "b/last"])] == ["model-best", "last"]
    names = [c.name for c in parse_choices(["a/model-best", "b/model-best", "c"])]
    assert names == ["a/model-best", "b/model-best", "c"]


@pytest.mark.parametrize("text", ["", "name=", "m,precision=bf16", "m,a.b"])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(SettingError, match="does not name a pipeline"):
        parse_choice(text)


def test_the_same_name_twice() -> None:
    with pytest.raises(SettingError, match="2 of the pipelines would be called 'x'"):
        parse_choices(["x=a", "x=b"])
    with pytest.raises(SettingError, match="would be called 'a'"):
        parse_choices(["a", "a,nlp.batch_size=1"])


def test_a_batch_size_of_its_own() -> None:
    small, other = map(make_system, parse_choices(["a,nlp.batch_size=8", "b"]))
    assert (small.batch_size, other.batch_size) == (8, None)
    assert small.settings == {"path": "a", "overrides": {"nlp.batch_size": 8}}
