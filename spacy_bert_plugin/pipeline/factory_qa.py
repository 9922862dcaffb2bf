"""The factory `bert_qa`, declared without loading what it needs."""

from typing import Any

from spacy.language import Language
from thinc.api import Model

DEFAULT_CONFIG: dict[str, Any] = {
    "model": {
        "@architectures": "spacy-bert-plugin.AnswerFinder.v1",
        "tok2vec": {
            "@architectures": "spacy-bert-plugin.BertListener.v1",
            "upstream": "*",
            "pooling": "mean",
        },
        "hidden_width": 0,
        "activation": "gelu",
        "use_bias": True,
        "use_norm": False,
        "use_norm_bias": True,
        "norm_eps": 1e-5,
    },
    "top_k": 1,
    "max_answer_tokens": 30,
    "threshold": 0.0,
    "no_answer": None,
    "allow_overlap": False,
    "require_pairs": True,
    "scorer": {"@scorers": "spacy-bert-plugin.squad_scorer.v1"},
}
SCORES = {
    "qa_f1": 0.5,
    "qa_em": 0.5,
    "qa_has_answer_f1": None,
    "qa_has_answer_em": None,
    "qa_no_answer_accuracy": None,
}


@Language.factory(
    "bert_qa",
    assigns=["doc.spans"],
    default_config=DEFAULT_CONFIG,
    default_score_weights=SCORES,
)
def make_bert_qa(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    top_k: int,
    max_answer_tokens: int,
    threshold: float,
    no_answer: bool | None,
    allow_overlap: bool,
    require_pairs: bool,
    scorer: Any,
) -> Any:
    """Construct a component that finds the answer to a question in its context; see `BertQA`.

    model (Model[list[Doc], HeadOutput]): Built by `spacy-bert-plugin.AnswerFinder.v1`.
    top_k (int): Most answers of a question.
    max_answer_tokens (int): Most tokens of an answer.
    threshold (float): By how much the score of "no answer" must exceed that of the best answer
        for none to be given. Calibration on development data can find it.
    no_answer (bool | None): Whether questions may be without an answer; None: whether some of
        the training data are.
    allow_overlap (bool): Whether several answers to a question may share tokens.
    require_pairs (bool): Whether a Doc that is no pair is an error; if not, it gets no answer.
    scorer (Callable | None): How `nlp.evaluate` scores it.
    RAISES (SettingError): A value cannot work.
    """
    from .bert_qa import BertQA

    return BertQA(
        nlp.vocab,
        model,
        name,
        top_k=top_k,
        max_answer_tokens=max_answer_tokens,
        threshold=threshold,
        no_answer=no_answer,
        allow_overlap=allow_overlap,
        require_pairs=require_pairs,
        scorer=scorer,
    )
