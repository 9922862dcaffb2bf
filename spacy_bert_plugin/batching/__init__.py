"""Which windows run together, in which precision, and the loop that runs them."""

from .engine import BatchRun
from .lanes import find_lanes
from .plan import plan_batches
from .precision import PRECISIONS, check_precision, supports_bf16, supports_int8
from .scaling import LossScaler

__all__ = [
    "PRECISIONS",
    "BatchRun",
    "LossScaler",
    "check_precision",
    "find_lanes",
    "plan_batches",
    "supports_bf16",
    "supports_int8",
]
