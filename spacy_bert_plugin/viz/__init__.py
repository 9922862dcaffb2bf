"""Pages and pictures. Everything here draws what it is given and computes nothing."""

from .contents import (
    Chart,
    Confusion,
    Curve,
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
    "Fact",
    "LabelRow",
    "LabelTable",
    "Reliability",
    "ReliabilityBin",
    "Report",
    "Sentence",
    "Span",
    "draw_report",
]
