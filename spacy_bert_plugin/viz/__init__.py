"""Pages and pictures. Everything here draws what it is given and computes nothing."""

from .answers import Mark, QuestionCase, draw_answers
from .contents import (
    Chart,
    Confusion,
    Curve,
    Dots,
    Fact,
    LabelRow,
    LabelTable,
    Reliability,
    ReliabilityBin,
    Report,
    Sentence,
    Span,
)
from .report import draw_report

__all__ = [
    "Chart",
    "Confusion",
    "Curve",
    "Dots",
    "Fact",
    "LabelRow",
    "LabelTable",
    "Mark",
    "QuestionCase",
    "Reliability",
    "ReliabilityBin",
    "Report",
    "Sentence",
    "Span",
    "draw_answers",
    "draw_report",
]
