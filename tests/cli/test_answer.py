"""`spacy bert answer`: predictions, all answers, a page; and what is refused."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.training import Example
from typer.testing import CliRunner

from spacy_bert_plugin.cli.answer_page import choose_cases
from spacy_bert_plugin.cli.main import app
from spacy_bert_plugin.training.formats.squad import read_squad
from spacy_bert_plugin.training.formats.squad_docs import QuestionBuilder
from spacy_bert_plugin.util.pairs import retokenize_texts
from spacy_bert_plugin.viz import QuestionCase

CONTEXT = "the house in paris is good and the street in london is bad"
ROWS = [
    ("find the good house", [("paris", 13)]),
    ("find the bad street", [("london", 45), ("street in london", 35)]),
    ("find music", []),
]


def make_squad_text(*, with_answers: bool = True) -> str:
    qas = []
    for number, (question, answers) in enumerate(ROWS):
        row = {"id": f"q{number}", "question": question}
        if with_answers:
            row["answers"] = [{"text": text, "answer_start": at} for text, at in answers]
        qas.append(row)
    return json.dumps({"data": [{"paragraphs": [{"context": CONTEXT, "qas": qas}]}]})


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that knows the three questions."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    nlp.add_pipe("bert_qa")
    golds = list(QuestionBuilder(nlp).build(read_squad(Path("x"), make_squad_text())))
    examples = [Example(retokenize_texts(nlp, gold), gold) for gold in golds]
    sgd = nlp.initialize(lambda: examples)
    sgd.learn_rate = 5e-3
    for _ in range(40):
        nlp.update(examples, sgd=sgd)
    path = tmp_path_factory.mktemp("answer") / "model"
    nlp.to_disk(path)
    return path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["answer", *map(str, arguments)])
    return result.exit_code, result.output


def test_questions_are_answered_and_scored(model: Path, tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text(make_squad_text())
    paths = [tmp_path / name for name in ("best.json", "all.json", "page.html")]
    code, output = run(
        model, tmp_path / "q.json", "--output", paths[0], "--nbest", paths[1], "--html", paths[2],
        "--top-k", 2,
    )  # fmt: skip
    assert code == 0, output
    best, every = (json.loads(path.read_text()) for path in paths[:2])
    assert best["q0"] == "paris"
    assert best["q1"] in ("london", "street in london")
    assert best["q2"] == ""
    assert "100.0 %" in output
    assert every["q0"]["answers"][0]["text"] == CONTEXT[every["q0"]["answers"][0]["start"] :][:5]
    assert len(every["q0"]["answers"]) == 2
    assert every["q2"]["answers"] == []
    assert 0.5 < every["q2"]["no_answer"] <= 1.0
    assert paths[2].read_text().count("class='question right'") == 3


def test_without_right_answers_nothing_is_scored(model: Path, tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text(make_squad_text(with_answers=False))
    code, output = run(model, tmp_path / "q.json", "--output", tmp_path / "best.json")
    assert code == 0, output
    assert "exact match" not in output
    assert json.loads((tmp_path / "best.json").read_text())["q0"] == "paris"
    code, output = run(model, tmp_path / "q.json", "--output", tmp_path / "best.json")
    assert code == 1
    assert "exists already" in output


def test_other_pipelines_and_files_are_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text(make_squad_text())
    spacy.blank("en").to_disk(tmp_path / "blank")
    code, output = run(tmp_path / "blank", tmp_path / "q.json")
    assert code == 1
    assert "answers questions" in " ".join(output.split())
    (tmp_path / "bad.json").write_text('{"data": [{}]}')
    code, output = run(model, tmp_path / "bad.json")
    assert code == 1
    assert "bad.json" in output.replace("\n", "")
    assert run(model, tmp_path / "missing.json")[0] == 1


def test_wrong_ones_come_first_on_the_page() -> None:
    kinds = ["right"] * 6 + ["wrong"] * 5 + ["near"] * 2
    cases = [QuestionCase(str(i), "x", (), kind, kind) for i, kind in enumerate(kinds)]
    assert [case.kind for case in choose_cases(cases, 6)] == ["wrong"] * 4 + ["right"] * 2
    assert len(choose_cases(cases, 100)) == 13
    assert [c.kind for c in choose_cases(cases[:6], 3)] == ["right"] * 3
