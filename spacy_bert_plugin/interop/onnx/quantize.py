"""Weights in int8, one scale for each output; inputs are quantised as they come.

Docs: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..._compat import import_optional
from .graph import PURPOSE

# Of a head only scores would be lost: its maps are small.
ENCODER_SCOPE = "encoder.layers."


def quantize_model(model: Any, *, skip: Sequence[str] = ()) -> Any:
    """Quantise the linear maps of the encoder. Tables, norms and the head stay in fp32.

    model (onnx.ModelProto): With fp32 weights. It is changed.
    skip (Sequence[str]): Maps of the layers that stay in fp32: "qkv", "output", "up", "down",
        for one layer "down.5".
    RETURNS (onnx.ModelProto): The quantised graph.
    RAISES (MissingDependencyError): onnxruntime is not installed.
    """
    onnx = import_optional("onnx", purpose=PURPOSE)
    quantization = import_optional("onnxruntime.quantization", purpose=PURPOSE)
    utils = import_optional("onnxruntime.quantization.quant_utils", purpose=PURPOSE)
    kept = [n.name for n in model.graph.node if n.op_type == "MatMul" and _is_kept(n.name, skip)]
    # The graph needs no clean-up before; without this mark there is a warning about it.
    utils.add_pre_process_metadata(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantization.quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=kept,
        )
        return onnx.load(path)


def _is_kept(name: str, skip: Sequence[str]) -> bool:
    """Whether a product stays in fp32, such as `encoder.layers.5.down.product`."""
    if not name.startswith(ENCODER_SCOPE):
        return True
    number, *parts = name.removeprefix(ENCODER_SCOPE).split(".")
    return any(part in skip or f"{part}.{number}" in skip for part in parts)
