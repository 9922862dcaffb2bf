"""Smaller and faster pipelines: the same encoder in another number format, held to the original."""

from .encoders import find_encoders, find_precision, set_precision
from .optimize import check_output, optimize_pipeline
from .samples import sample_texts
from .scores import check_scores, choose_metrics, score_pipeline
from .sizes import measure_components, measure_folder
from .vectors import Likeness, compare_vectors

__all__ = [
    "Likeness",
    "check_output",
    "check_scores",
    "choose_metrics",
    "compare_vectors",
    "find_encoders",
    "find_precision",
    "measure_components",
    "measure_folder",
    "optimize_pipeline",
    "sample_texts",
    "score_pipeline",
    "set_precision",
]
