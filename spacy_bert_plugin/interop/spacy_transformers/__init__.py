"""Pipelines and configs that were made for spaCy's other transformer libraries."""

from .changes import Change
from .config_text import convert_config_text, import_config
from .import_pipeline import import_pipeline
from .report import Report
from .source import is_pipeline

__all__ = [
    "Change",
    "Report",
    "convert_config_text",
    "import_config",
    "import_pipeline",
    "is_pipeline",
]
