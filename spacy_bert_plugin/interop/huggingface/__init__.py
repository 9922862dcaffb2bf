"""Checkpoints of transformers with a head for a task <-> pipelines.

layouts     where each architecture keeps its head, and what the head does
source      a folder with its config, checked, and the tensors of the head
labels      names of the outputs
importing   a folder -> a pipeline
compare     the same logits as transformers on sample texts
export      a pipeline -> a folder, with a model card
"""

from .compare import Difference, compare_logits
from .export import ExportReport, export_pipeline
from .importing import ImportReport, import_checkpoint

__all__ = [
    "Difference",
    "ExportReport",
    "ImportReport",
    "compare_logits",
    "export_pipeline",
    "import_checkpoint",
]
