"""`spacy-bert answer`: the questions of a SQuAD file, answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Errors, SettingError
from .report import print_table, report_errors, say_good

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from ..training.formats.record import Question

FACTORY = "bert_qa"
NAMES = {
    "qa_em": "exact match",
    "qa_f1": "F1",
    "qa_has_answer_em": "exact match, answerable",
    "qa_has_answer_f1": "F1, answerable",
    "qa_no_answer_accuracy": "right that there is no answer",
}


def answer_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline.", show_default=False)],
    questions: Annotated[
        Path, typer.Argument(help="Questions, as SQuAD 1.1 or 2.0 has them.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="Write the best answers there: {id: text}, as SQuAD's evaluation reads."),
    ] = None,
    nbest: Annotated[
        Path | None, typer.Option(help="Write all answers there, with place and confidence.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page there: answers in their contexts.")
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(help="Most answers of a question.", min=1, show_default=False)
    ] = None,
    shown: Annotated[int, typer.Option(help="Questions on the page, wrong ones first.")] = 100,
    gpu_id: Annotated[int, typer.Option(help="GPU to use; -1 for none.")] = -1,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> None:
    """Answer the questions of a SQuAD file; where the right answers are known, score them."""
    with report_errors():
        for path in (output, nbest, html):
            if path is not None and path.exists() and not force:
                raise SettingError(Errors.SB664.format(path=path))
        nlp, asked, docs = answer_questions(model, questions, top_k=top_k, gpu_id=gpu_id)
        scores = score_docs(docs)
        rows = [[NAMES[key], f"{100 * value:.1f} %"] for key, value in scores.items()]
        print_table([["questions", f"{len(docs):,}"], *rows], header=["", str(questions.name)])
        if output is not None:
            _write(output, json.dumps(list_best(asked, docs), ensure_ascii=False, indent=1))
        if nbest is not None:
            _write(nbest, json.dumps(list_all(asked, docs), ensure_ascii=False, indent=1))
        if html is not None:
            from .answer_page import make_page

            page = make_page(docs, scores, title=questions.name, model=nlp, n=shown)
            _write(html, page)


def answer_questions(
    model: str, path: Path, *, top_k: int | None = None, gpu_id: int = -1
) -> tuple[Language, list[Question], list[Doc]]:
    """Answer the questions of a file.

    model (str): Folder or package of a pipeline.
    path (Path): A SQuAD file, with or without the right answers.
    top_k (int | None): Most answers of a question; None: as the pipeline has it.
    gpu_id (int): The GPU to use; -1: none.
    RETURNS (tuple): The pipeline, the questions, and a Doc of each with its answers.
    RAISES (SettingError): The pipeline answers no questions.
    RAISES (DataError): The file cannot be read.
    """
    import spacy
    from tqdm import tqdm

    from ..training.formats.read import read_text
    from ..training.formats.squad import read_squad
    from ..training.formats.squad_docs import QuestionBuilder

    asked = read_squad(path, read_text(path))
    if gpu_id >= 0:
        spacy.require_gpu(gpu_id)
    nlp = spacy.load(model)
    names = [name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory == FACTORY]
    if not names:
        raise SettingError(Errors.SB881.format(model=model, pipes=", ".join(nlp.pipe_names)))
    if top_k is not None:
        component: Any = nlp.get_pipe(names[-1])
        component.top_k = top_k
    stream = nlp.pipe(QuestionBuilder(nlp).build(asked))
    docs = list(tqdm(stream, total=len(asked), unit=" questions", leave=False, disable=None))
    return nlp, asked, docs


def score_docs(docs: Sequence[Doc]) -> dict[str, float]:
    """Score answered questions whose right answers are known; nothing where none is."""
    from spacy.training import Example

    from ..pipeline.answer_scoring import score_answers

    found = score_answers(Example(doc, doc) for doc in docs)
    return {key: value for key, value in found.items() if value is not None}


def list_best(asked: Sequence[Question], docs: Sequence[Doc]) -> dict[str, str]:
    """The best answer by id; "" for none."""
    from ..pipeline.answer_scoring import read_answer

    return {question.id: read_answer(doc) for question, doc in zip(asked, docs, strict=True)}


def list_all(asked: Sequence[Question], docs: Sequence[Doc]) -> dict[str, dict[str, Any]]:
    """All answers by id, with the probability that there is none where the pipeline gives it."""
    from ..pipeline.answer_scoring import ANSWERS_KEY

    found = {}
    for question, doc in zip(asked, docs, strict=True):
        group, begin = doc.spans[ANSWERS_KEY], doc.spans["pair"][1].start_char
        answers = [
            {"text": span.text, "start": span.start_char - begin, "confidence": round(score, 6)}
            for span, score in zip(group, group.attrs["scores"].tolist(), strict=True)
        ]
        found[question.id] = {"answers": answers, "no_answer": group.attrs.get("no_answer")}
    return found


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    say_good(f"Wrote {path}")
