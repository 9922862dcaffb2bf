"""A graph of ONNX operators, written node by node.

Operators: https://onnx.ai/onnx/operators/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..._compat import import_optional
from ...about import __version__
from .feeding import Port

if TYPE_CHECKING:
    import torch
    from torch import nn

Array = npt.NDArray[Any]
PURPOSE = "Export to ONNX"
# Gelu came with operator set 20, which ONNX Runtime reads since 1.17.
OPSET, IR_VERSION = 20, 9
ELEMENT_TYPES = {"int64": "INT64", "float32": "FLOAT"}


class GraphBuilder:
    """Collects nodes and weights. Values are known by name.

    RAISES (MissingDependencyError): The module `onnx` is not installed.
    """

    def __init__(self) -> None:
        self._onnx: Any = import_optional("onnx", purpose=PURPOSE)
        self._nodes: list[Any] = []
        self._weights: dict[str, Any] = {}
        self._scope: list[str] = []

    def weight(self, name: str, array: Array | torch.Tensor) -> str:
        """Store an array in the file. RETURNS (str): Its name in the graph."""
        full = ".".join([*self._scope, name])
        if not isinstance(array, np.ndarray):
            array = array.detach().cpu().numpy()
        self._weights[full] = self._onnx.numpy_helper.from_array(np.asarray(array, order="C"), full)
        return full

    def node(self, operator: str, *inputs: str, name: str, n_outputs: int = 1, **attrs: Any) -> Any:
        """Apply an operator.

        inputs: Names of its inputs; "" leaves an optional one out.
        name: Of the node, and of its output, within the scope.
        RETURNS (str | list[str]): Name of the output; a list of several.
        """
        full = ".".join([*self._scope, name])
        outputs = [full] if n_outputs == 1 else [f"{full}.{i}" for i in range(n_outputs)]
        self._nodes.append(
            self._onnx.helper.make_node(operator, list(inputs), outputs, name=full, **attrs)
        )
        return full if n_outputs == 1 else outputs

    def scope(self, name: str) -> _Scope:
        """Prefix the names of what is added inside a `with` block."""
        return _Scope(self._scope, name)

    def linear(
        self, x: str, layers: Sequence[nn.Linear], *, name: str, scale: Array | None = None
    ) -> str:
        """Apply linear maps that read the same input; their outputs lie side by side.

        scale: Factor on each output.
        Shape: x (..., in) -> (..., sum of out); scale (sum of out,).
        """
        weight = np.concatenate([layer.weight.detach().cpu().numpy() for layer in layers]).T
        bias = np.concatenate([layer.bias.detach().cpu().numpy() for layer in layers])
        if scale is not None:
            weight, bias = weight * scale, bias * scale
        product = self.node(
            "MatMul", x, self.weight(f"{name}.weight", weight), name=f"{name}.product"
        )
        return str(self.node("Add", product, self.weight(f"{name}.bias", bias), name=name))

    def norm(self, x: str, layer: nn.LayerNorm, *, name: str) -> str:
        """Normalise the last axis."""
        inputs = (
            self.weight(f"{name}.weight", layer.weight),
            self.weight(f"{name}.bias", layer.bias),
        )
        return str(
            self.node("LayerNormalization", x, *inputs, name=name, axis=-1, epsilon=layer.eps)
        )

    @property
    def n_bytes(self) -> int:
        """Size of all weights."""
        return sum(len(tensor.raw_data) for tensor in self._weights.values())

    def finish(self, inputs: Sequence[Port], outputs: Sequence[Port]) -> Any:
        """Make the model.

        RETURNS (onnx.ModelProto): Not yet checked.
        """
        helper, types = self._onnx.helper, self._onnx.TensorProto
        infos = [
            [
                helper.make_tensor_value_info(
                    port.name, getattr(types, ELEMENT_TYPES[port.type]), port.shape
                )
                for port in group
            ]
            for group in (inputs, outputs)
        ]
        graph = helper.make_graph(
            self._nodes, "spacy-bert-plugin", *infos, initializer=list(self._weights.values())
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="spacy-bert-plugin",
            producer_version=__version__,
        )


class _Scope:
    def __init__(self, stack: list[str], name: str) -> None:
        self.stack, self.name = stack, name

    def __enter__(self) -> None:
        self.stack.append(self.name)

    def __exit__(self, *error: object) -> None:
        self.stack.pop()
