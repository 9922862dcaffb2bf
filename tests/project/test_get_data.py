"""Real data sets: from disk, from their source, and from neither."""

import json
import random
import zipfile
from pathlib import Path

import get_data
import prepare_rotten_tomatoes
import prepare_snips
import prepare_snli_dev
import prepare_uner_en_ewt
import pytest

Downloads = list[tuple[str, Path]]


def write_set(folder: Path, name: str) -> None:
    (folder / name).mkdir(parents=True)
    for file in get_data.FILES[name]:
        (folder / name / file).write_text(f"content of {file}", encoding="utf8")


@pytest.mark.parametrize("name", sorted(get_data.FILES))
def test_copies_a_set_on_disk(tmp_path: Path, name: str) -> None:
    write_set(tmp_path / "sets", name)
    others = get_data.get_data(name, tmp_path / "sets", tmp_path / "assets" / name)
    for file in get_data.FILES[name]:
        assert (tmp_path / "assets" / name / file).read_text(
            encoding="utf8"
        ) == f"content of {file}"
    assert others == list(get_data.FILES[name])  # their hashes are not the known ones


def test_says_what_is_missing(tmp_path: Path) -> None:
    write_set(tmp_path, "wnut17")
    (tmp_path / "wnut17" / "emerging.dev.conll").unlink()
    with pytest.raises(
        get_data.DataSetError, match=r"has no emerging\.dev\.conll\. Give --vars\.data_dir"
    ):
        get_data.get_data("wnut17", tmp_path, tmp_path / "assets")


def test_unknown_set(tmp_path: Path) -> None:
    with pytest.raises(get_data.DataSetError, match=r"'imdb'.*snips, wnut17, rotten_tomatoes"):
        get_data.get_data("imdb", None, tmp_path)


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(url: str, timeout: int) -> None:
        raise OSError("no route")

    monkeypatch.setattr(get_data.urllib.request, "urlopen", fail)
    with pytest.raises(
        get_data.DataSetError, match=r"wnut17train\.conll \(no route\).*--vars\.data_dir"
    ):
        get_data.get_data("wnut17", None, tmp_path)
    assert list(tmp_path.rglob("*.*")) == []


def test_a_file_with_another_checksum(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("other", encoding="utf8")
    with pytest.raises(get_data.DataSetError, match="MD5 is not 0123"):
        get_data.download("https://nowhere.invalid/a.txt", tmp_path / "a.txt", "0123")


def test_downloads_are_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(url: str, path: Path, md5: str | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        intent = next(intent for intent in prepare_snips.INTENTS if intent in url)
        path.write_text(json.dumps({intent: [{"data": [{"text": url[-20:]}]}]}), encoding="utf8")

    monkeypatch.setattr(get_data, "download", write)
    get_data.get_data("snips", None, tmp_path)
    lines = (tmp_path / "train.jsonl").read_text(encoding="utf8").splitlines()
    assert sorted(json.loads(line)["intent"] for line in lines) == sorted(prepare_snips.INTENTS)
    assert len((tmp_path / "validate.jsonl").read_text(encoding="utf8").splitlines()) == 7


def test_flatten() -> None:
    parts = [
        {"text": "book "},
        {"text": " two", "entity": "number"},
        {"text": "now ", "entity": "time"},
        {"text": " ", "entity": "x"},
    ]
    assert prepare_snips.flatten({"data": parts}, "Book") == {
        "text": "book  twonow  ",
        "intent": "Book",
        "spans": [
            {"start": 6, "end": 9, "label": "number"},
            {"start": 9, "end": 12, "label": "time"},
        ],
    }
    assert prepare_snips.flatten({"data": []}, "Book") == {
        "text": "",
        "intent": "Book",
        "spans": [],
    }


def test_json_with_a_latin_1_line(tmp_path: Path) -> None:
    path = tmp_path / "mixed.json"
    path.write_bytes('["Björk",\n'.encode() + '"Beyoncé"]'.encode("latin-1"))
    assert prepare_snips.read_json(path) == ["Björk", "Beyoncé"]


def test_rotten_tomatoes_are_split(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "sentence_polarity.zip", "w") as archive:
        for label in ("neg", "pos"):
            lines = "".join(f"{label} {i} \n" for i in range(20))
            archive.writestr(f"sentence_polarity/rt-polarity.{label}", lines)
    prepare_rotten_tomatoes.prepare(tmp_path, tmp_path)
    seen = []
    for split, n in (("train", 32), ("dev", 4), ("test", 4)):
        header, *rows = (tmp_path / f"{split}.tsv").read_text(encoding="utf8").splitlines()
        assert header == "text\tlabel"
        assert len(rows) == n
        assert all(row.split(" ")[0] == row.split("\t")[1] for row in rows)
        seen += rows
    assert len(set(seen)) == 40


def test_the_first_commit_of_uner_is_made_as_the_last(tmp_path: Path) -> None:
    rows = ["# sent_id = 1", "# text = Al-Zaman in Iraq .", "1\tAl\tB-ORG\t-\tstephen"]
    rows += ["2\t-\tI-ORG\t-\tstephen", "3\tIraqi\tB-OTH\t-\tstephen", "4\t#\tO"]
    rows += ["5\t.\tB-O\t-\tstephen", "", ""]
    (tmp_path / prepare_uner_en_ewt.FILE).write_text("\n".join(rows), encoding="utf8")
    prepare_uner_en_ewt.prepare(tmp_path, tmp_path)
    made = (tmp_path / prepare_uner_en_ewt.PREPARED).read_text(encoding="utf8").split("\n")
    assert made[:2] + made[-2:] == rows[:2] + rows[-2:]
    assert [line.split("\t")[1:] for line in made[2:7]] == [
        ["Al", "B-ORG", "-", "-"],
        ["-", "I-ORG", "-", "-"],
        ["Iraqi", "O", "-", "-"],
        ["#", "O", "-", "-"],
        [".", "O", "-", "-"],
    ]


@pytest.mark.parametrize("name", ["snips", "rotten_tomatoes"])
def test_shuffles_are_those_of_the_files_on_disk(name: str) -> None:
    # Python promises no stable shuffle; the prepared files depend on this one.
    rows = list(range(10))
    random.Random(0).shuffle(rows)
    assert rows == [7, 8, 1, 5, 3, 4, 2, 0, 9, 6], name


def test_premises_stay_on_one_side(tmp_path: Path) -> None:
    rows = [{"premise": f"p{i // 3}", "hypothesis": f"h{i}", "label": "x"} for i in range(90)]
    (tmp_path / "dev.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    (tmp_path / "out").mkdir()
    prepare_snli_dev.prepare(tmp_path, tmp_path / "out")
    found = {}
    for split in prepare_snli_dev.SHARES:
        lines = (tmp_path / "out" / f"{split}.jsonl").read_text(encoding="utf8").splitlines()
        found[split] = [json.loads(line) for line in lines]
    assert [len(found[split]) for split in ("train", "dev", "test")] == [72, 9, 9]
    premises = [{row["premise"] for row in part} for part in found.values()]
    assert len(set.union(*premises)) == sum(map(len, premises)) == 30
