import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_bert_plugin.cli import convert_args
from spacy_bert_plugin.cli.convert import convert_files, plan_outputs
from spacy_bert_plugin.errors import DataError, SettingError
from spacy_bert_plugin.training.formats import FormatOptions, options

RunT = Callable[..., Any]
ROWS = [
    {"text": "play Blur", "intent": "play", "spans": [[5, 9, "artist"]]},
    {"text": "call MH370", "intent": "call", "spans": [[5, 7, "line"], [7, 10, "number"]]},
    {"text": "", "intent": "call", "spans": []},
]


def load(path: Path) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


def test_choices_are_those_of_the_readers() -> None:
    for enum, values in (
        (convert_args.Format, options.FORMATS),
        (convert_args.Task, options.TASKS),
        (convert_args.Align, options.ALIGNMENTS),
        (convert_args.Quoting, options.QUOTINGS),
    ):
        assert tuple(choice.value for choice in enum) == values
    assert set(convert_args.FORMAT_SETTINGS) | {"labels", "use_header"} == set(options.OPTION_NAMES)


def test_summary_and_file(run: RunT, jsonl: Path, tmp_path: Path) -> None:
    outcome = run("convert", jsonl, tmp_path / "out.spacy", "--task", "joint")
    assert outcome.code == 0
    lines = [" ".join(line.split()) for line in outcome.raw.splitlines()]
    expected = [
        *("rows read 3", "documents 2", "tokens 4", "spans 2", "empty texts, left out 1"),
        *("spans that cut a token 2", "spans lost 1", "play 1", "artist 1", "line 1"),
    ]
    assert [line for line in expected if line not in lines] == []
    assert "2 span(s) cut a token: expanded to whole tokens" in outcome.text
    assert "--align split" in outcome.text
    first, second = load(tmp_path / "out.spacy")
    assert [(ent.text, ent.label_) for ent in first.ents] == [("Blur", "artist")]
    assert [ent.text for ent in second.ents] == ["MH370"]
    assert first.cats == {"call": 0.0, "play": 1.0}


def test_split_tokens_lose_nothing(run: RunT, jsonl: Path, tmp_path: Path) -> None:
    outcome = run("convert", jsonl, tmp_path / "out.spacy", "--align", "split")
    assert "0 of all spans lost" in outcome.text
    assert [ent.text for ent in load(tmp_path / "out.spacy")[1].ents] == ["MH", "370"]


def test_every_option_of_tables_arrives(run: RunT, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("anger\njoy\n")
    source = tmp_path / "in.data"
    source.write_bytes('what;how\n"schön;1\nböse;0|1\n'.encode("latin-1"))
    outcome = run(
        *("convert", source, tmp_path / "out.spacy", "--format", "csv", "--sep", "semicolon"),
        *("--quoting", "none", "--encoding", "latin-1", "--labels", tmp_path / "labels.txt"),
        *("--text-column", "1", "--label-column", "2", "--header", "--label-sep", "|"),
        *("--task", "textcat_multilabel", "--lang", "de", "--align", "strict"),
    )
    assert outcome.code == 0, outcome.text
    docs = load(tmp_path / "out.spacy")
    assert [doc.text for doc in docs] == ['"schön', "böse"]
    assert docs[1].cats == {"anger": 1.0, "joy": 1.0}


def test_every_option_of_columns_and_keys_arrives(run: RunT, tmp_path: Path) -> None:
    columns = tmp_path / "in.conll"
    columns.write_text("# text = 东京都\nX\t东京\tB-LOC\nX\t都\tO\n")
    words = ("--word-column", 2, "--tag-column", -1, "--spans-key", "k", "--task", "spancat")
    assert run("convert", columns, tmp_path / "zh.spacy", *words, "--no-spaces").code == 0
    (doc,) = load(tmp_path / "zh.spacy")
    assert (doc.text, doc.spans["k"][0].text) == ("东京都", "东京")
    assert run("convert", columns, tmp_path / "zh.spacy", *words, "--gold-tokens").code == 0
    assert load(tmp_path / "zh.spacy")[0].has_unknown_spaces
    keys = tmp_path / "keys.jsonl"
    keys.write_text('{"text": "a b", "where": [[0, 1, "X"]]}')
    assert run("convert", keys, tmp_path / "k.spacy", "--spans-column", "where").code == 0
    assert load(tmp_path / "k.spacy")[0].ents[0].label_ == "X"


def test_bad_rows_write_nothing(run: RunT, jsonl: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.spacy"
    assert run("convert", jsonl, out).code == 0
    before = out.read_bytes()
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "a"}\n{"text": 1}\n')
    outcome = run("convert", jsonl, bad, out)
    assert outcome.code == 1
    assert "line 2" in outcome.text
    assert "Traceback" not in outcome.text
    assert out.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.jsonl", "in.jsonl", "out.spacy"]


def test_files_of_a_folder_share_their_labels(run: RunT, tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("a sunny day\tgood\na rainy day\tbad\n")
    (tmp_path / "dev.tsv").write_text("a cloudy day\tgood\na day\tmiddling\n")
    outcome = run("convert", tmp_path / "train.tsv", tmp_path / "dev.tsv", tmp_path / "out")
    assert "dev.spacy has labels that train.spacy lacks: middling" in outcome.text
    for name in ("train", "dev"):
        for doc in load(tmp_path / "out" / f"{name}.spacy"):
            assert list(doc.cats) == ["bad", "good", "middling"]


def test_setting_texts_aside(run: RunT, tmp_path: Path) -> None:
    source = tmp_path / "in.tsv"
    source.write_text("".join(f"text {i}\t{'ab'[i % 2]}\n" for i in range(100)))
    parts = tmp_path / "train.spacy", tmp_path / "dev.spacy"
    more = ("--dev-output", parts[1], "--dev-share", "0.2", "--seed")
    assert run("convert", source, parts[0], *more, "3").code == 0
    first = [[doc.text for doc in load(part)] for part in parts]
    assert [len(part) for part in first] == [80, 20]
    run("convert", source, parts[0], *more, "4")
    assert load(parts[1])[0].text != first[1][0]


def test_numbers_without_a_list_are_pointed_out(run: RunT, tmp_path: Path) -> None:
    (tmp_path / "in.tsv").write_text("a sunny day\t0\na rainy day\t1,2\n")
    assert "name it with --labels" in run("convert", tmp_path / "in.tsv", tmp_path / "o.spacy").text
    (tmp_path / "in.jsonl").write_text('{"text": "a"}')
    outcome = run("convert", tmp_path / "in.jsonl", tmp_path / "o.spacy")
    assert "nothing to learn from" in outcome.text
    outcome = run("convert", tmp_path / "in.jsonl", tmp_path / "o.spacy", "--task", "text")
    assert "nothing to learn from" not in outcome.text


def test_outputs_are_planned(tmp_path: Path) -> None:
    inputs = [tmp_path / "a.csv", tmp_path / "b.x.csv"]
    one, folder = tmp_path / "o.spacy", tmp_path / "o"
    assert plan_outputs(inputs, one) == [one, one]
    assert plan_outputs(inputs, folder) == [folder / "a.spacy", folder / "b.x.spacy"]


@pytest.mark.parametrize(
    ("inputs", "output", "dev", "message"),
    [
        (["a.csv"], "o.txt", None, r"o\.txt' must end in \.spacy"),
        (["x/a.csv", "y/a.csv"], "o", None, "two inputs have the same name"),
        (["a.spacy"], "a.spacy", None, "also an input"),
        (["a.csv"], "o.spacy", "o.spacy", "file of its own"),
        (["a.csv"], "o.spacy", "a.csv", "file of its own"),
    ],
)
def test_impossible_outputs(inputs: list[str], output: str, dev: str | None, message: str) -> None:
    paths = [Path(path) for path in inputs]
    with pytest.raises(SettingError, match=message):
        plan_outputs(paths, Path(output), dev_output=Path(dev) if dev else None)


def test_the_function_can_be_called(jsonl: Path, tmp_path: Path) -> None:
    (converted,) = convert_files([jsonl], tmp_path / "o.spacy", options=FormatOptions())
    assert (converted.path, converted.summary.n_docs) == (tmp_path / "o.spacy", 2)
    with pytest.raises(DataError, match="no file"):
        convert_files([tmp_path / "no.csv"], tmp_path / "p.spacy", options=FormatOptions())
    assert not (tmp_path / "p.spacy").exists()


def test_a_language_that_does_not_exist(run: RunT, jsonl: Path, tmp_path: Path) -> None:
    outcome = run("convert", jsonl, tmp_path / "o.spacy", "--lang", "xx-no")
    assert (outcome.code, "ImportError" in outcome.text) == (1, True)
