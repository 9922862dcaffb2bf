"""Every exception and every message that users can meet.

A message says what was expected, what came and what to do next. Codes are grouped by room:
SB0xx general, SB1xx pieces, SB2xx encoder and batching, SB30x to SB34x checkpoints, SB35x to
SB38x heads, SB4xx training, SB5xx layers and pipeline, SB6xx data formats and the command line,
SB70x measurements, SB71x and SB72x interop, SB73x compression.
"""

from .checkpoints import CheckpointMessages
from .compression import CompressionMessages
from .encoder import EncoderMessages
from .exceptions import (
    BertPluginError,
    CheckpointError,
    CheckpointNotFoundError,
    DataError,
    ListenerError,
    MissingDependencyError,
    SettingError,
    TextError,
    TrainingError,
    WorkerError,
)
from .formats import FormatMessages
from .general import GeneralMessages
from .heads import HeadMessages
from .interop import InteropMessages
from .measure import MeasureMessages
from .pieces import PieceMessages
from .pipeline import PipelineMessages
from .training import TrainingMessages


class Errors(
    GeneralMessages,
    PieceMessages,
    EncoderMessages,
    CheckpointMessages,
    HeadMessages,
    TrainingMessages,
    PipelineMessages,
    FormatMessages,
    MeasureMessages,
    CompressionMessages,
    InteropMessages,
):
    """All messages by code: `Errors.SB301.format(...)`."""


__all__ = [
    "BertPluginError",
    "CheckpointError",
    "CheckpointNotFoundError",
    "DataError",
    "Errors",
    "ListenerError",
    "MissingDependencyError",
    "SettingError",
    "TextError",
    "TrainingError",
    "WorkerError",
]
