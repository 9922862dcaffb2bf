"""Pipelines for other runtimes: ONNX files with a description of how to feed them."""

from .export import export_onnx
from .feeding import Feeding, Port, read_feeding
from .reader import OnnxModel

__all__ = ["Feeding", "OnnxModel", "Port", "export_onnx", "read_feeding"]
