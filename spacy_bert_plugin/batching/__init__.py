"""Which windows run together, in which precision, and the loop that runs them."""

from .engine import run_batches
from .plan import plan_batches
from .precision import PRECISIONS, check_precision, supports_bf16
from .scaling import LossScaler

__all__ = [
    "PRECISIONS",
    "LossScaler",
    "check_precision",
    "plan_batches",
    "run_batches",
    "supports_bf16",
]
