"""`spacy-bert-plugin.SpanScorer.v1`: scores of spans that may nest and overlap."""

from functools import partial

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors, SettingError
from ..heads import SCORINGS, SpanScorer
from .head import (
    HeadModel,
    HeadOutput,
    LossBackpropT,
    build_head,
    get_head,
    run_head,
)


def build_span_scorer_v1(
    tok2vec: Model[list[Doc], list[Floats2d]],
    scoring: str = "biaffine",
    hidden_width: int = 64,
) -> HeadModel:
    """Build the model of `bert_spancat`.

    tok2vec (Model[list[Doc], list[Floats2d]]): Anything that gives one vector a token.
    scoring (str): "biaffine": start and end of a span are looked at together; "start_end": each
        for itself, which is smaller and often enough where spans do not nest.
    hidden_width (int): Size of the representations of starts and of ends.
    RETURNS (Model[list[Doc], HeadOutput]): In training the output is a `heads.SpanBand`; in
        prediction, `heads.ScoredSpans` with all spans that are rather right than wrong.
    RAISES (SettingError): A value cannot work.
    """
    if scoring not in SCORINGS:
        expected = " or ".join(SCORINGS)
        raise SettingError(Errors.SB002.format(name="scoring", expected=expected, got=scoring))
    if hidden_width < 1:
        raise SettingError(
            Errors.SB002.format(name="hidden_width", expected="at least 1", got=hidden_width)
        )
    build = partial(SpanScorer, scoring=scoring, hidden_width=hidden_width)
    return build_head("span_scorer", tok2vec, build, forward)


def forward(model: HeadModel, docs: list[Doc], is_train: bool) -> tuple[HeadOutput, LossBackpropT]:
    return run_head(model, docs, is_train, min_logit=None if is_train else 0.0)


def get_span_scorer(model: HeadModel) -> SpanScorer:
    """Find the torch module. RAISES (ListenerError): It has not been initialised."""
    head: SpanScorer = get_head(model)  # type: ignore[assignment]
    return head
