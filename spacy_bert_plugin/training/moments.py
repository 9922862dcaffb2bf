"""What an optimizer remembers of each parameter, under names that outlive the process.

thinc keys the moments by the id of a layer, torch by the parameter itself; both are other ones in
the next process. A name here says where the parameter is:

    component / number of the layer / parameter of the layer           ner/3/W
    component / number of the layer . shim / parameter of the module   bert_ner/2.0/output.weight
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from spacy.language import Language
from thinc.api import Model, get_current_ops, to_numpy
from thinc.shims import PyTorchShim, Shim

from ..errors import CheckpointError, Errors

KeyT = tuple[int, str]
TORCH_PARTS = ("exp_avg", "exp_avg_sq", "step")
THINC_PARTS = ("mom1", "mom2", "averages")
# Numbers that shims count along: how far the thawing of layers is, and the scale of fp16 losses.
COUNTERS = ("n_updates", "n_steps")
SCALER_COUNTERS = ("scale", "n_good")


def name_parameters(nlp: Language) -> dict[str, torch.nn.Parameter]:
    """Name all torch parameters of a pipeline.

    nlp (Language): Shims that have a method `named_parameters` are asked for theirs.
    RETURNS (dict): Parameters by name.
    """
    return {
        f"{where}/{name}": param
        for where, shim in _walk_shims(nlp)
        for name, param in _list_parameters(shim)
    }


class Moments:
    """The state of an optimizer over the parameters of a pipeline.

    nlp (Language): The pipeline, with its weights.
    optimizer (Optimizer): Any thinc optimizer; one with `torch_optimizer` and `restore_torch`
        keeps torch's moments as well.
    """

    def __init__(self, nlp: Language, optimizer: Any) -> None:
        self.nlp, self.optimizer = nlp, optimizer
        # Moments of parameters that have not been stepped since the run went on.
        self._pending: dict[str, dict[str, torch.Tensor]] = {}

    def count_nameless(self) -> int:
        """Count the keys of the optimizer that belong to nothing in the pipeline."""
        return len(set(self.optimizer.nr_update) - set(self._name_keys()))

    def collect(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Read everything.

        RETURNS (tuple): Tensors by name, and counters that go into JSON.
        """
        tensors = {}
        names = self._name_keys()
        for part in THINC_PARTS:
            for key, array in (getattr(self.optimizer, part) or {}).items():
                if key in names:
                    value = torch.as_tensor(to_numpy(array)).contiguous()  # type: ignore[no-untyped-call]
                    tensors[f"{part}/{names[key]}"] = value.clone()
        torch_optimizer = getattr(self.optimizer, "torch_optimizer", None)
        for name, param in name_parameters(self.nlp).items():
            state = torch_optimizer.state.get(param) if torch_optimizer is not None else None
            for part, value in (state or self._pending.get(name, {})).items():
                if part in TORCH_PARTS:
                    tensors[f"{part}/{name}"] = value.detach().cpu().contiguous()
        counts = self.optimizer.nr_update
        counters = {
            "n_updates": {names[key]: counts[key] for key in counts if key in names},
            "shims": {where: _read_counters(shim) for where, shim in _walk_shims(self.nlp)},
        }
        return tensors, counters

    def restore(self, tensors: Mapping[str, torch.Tensor], counters: Mapping[str, Any]) -> None:
        """Put everything back.

        tensors, counters: What `collect` gave.
        RAISES (CheckpointError): They do not fit this pipeline.
        """
        keys = {name: key for key, name in self._name_keys().items()}
        params = name_parameters(self.nlp)
        for full_name, tensor in tensors.items():
            part, _, name = full_name.partition("/")
            if part in TORCH_PARTS and name in params:
                if part != "step":
                    _check_size(full_name, tensor, params[name].numel())
                self._pending.setdefault(name, {})[part] = tensor
            elif part in THINC_PARTS and name in keys:
                store = getattr(self.optimizer, part)
                array: Any = tensor.numpy()
                store[keys[name]] = get_current_ops().asarray(array)
            else:
                problem = f"the pipeline has no parameter '{full_name}'"
                raise CheckpointError(Errors.SB426.format(path="optimizer", problem=problem))
        for name, count in counters["n_updates"].items():
            self.optimizer.nr_update[keys[name]] = count
        self._restore_gradients(set(counters["n_updates"]))
        for where, shim in _walk_shims(self.nlp):
            _write_counters(shim, counters["shims"].get(where, {}))
        if self._pending:
            self.optimizer.restore_torch(
                {params[name]: state for name, state in self._pending.items()}
            )

    def _restore_gradients(self, stepped: set[str]) -> None:
        """Give a gradient of zeros to what has had a gradient before.

        thinc goes on to step an array that a batch gives no gradient, if an earlier one gave it
        one: with momentum that moves it.
        """
        for where, node in _walk_nodes(self.nlp):
            for name in node.param_names:
                if f"{where}/{name}" in stepped and not node.has_grad(name):
                    node.set_grad(name, node.ops.alloc(node.get_param(name).shape))
        for where, shim in _walk_shims(self.nlp):
            if isinstance(shim, PyTorchShim):
                for name, param in _list_parameters(shim):
                    if f"{where}/{name}" in stepped and param.grad is None:
                        param.grad = torch.zeros_like(param)

    def _name_keys(self) -> dict[KeyT, str]:
        names: dict[KeyT, str] = {}
        for where, node in _walk_nodes(self.nlp):
            for name in node.param_names:
                names.setdefault((node.id, name), f"{where}/{name}")
        for where, shim in _walk_shims(self.nlp):
            for name, _ in _list_parameters(shim):
                names.setdefault((shim.id, name), f"{where}/{name}")
        return names


def _walk_nodes(nlp: Language) -> Iterator[tuple[str, Model[Any, Any]]]:
    for pipe_name, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        if isinstance(model, Model):
            for number, node in enumerate(model.walk()):
                yield f"{pipe_name}/{number}", node


def _walk_shims(nlp: Language) -> Iterator[tuple[str, Shim]]:
    for where, node in _walk_nodes(nlp):
        for number, shim in enumerate(node.shims):
            yield f"{where}.{number}", shim


def _list_parameters(shim: Any) -> Iterator[tuple[str, torch.nn.Parameter]]:
    if hasattr(shim, "named_parameters"):
        yield from shim.named_parameters()
    elif isinstance(shim, PyTorchShim):
        yield from shim._model.named_parameters()


def _read_counters(shim: Any) -> dict[str, float]:
    found = {name: getattr(shim, name) for name in COUNTERS if hasattr(shim, name)}
    scaler = getattr(shim, "scaler", None)
    if scaler is not None:
        found.update({name: getattr(scaler, name) for name in SCALER_COUNTERS})
    return found


def _write_counters(shim: Any, counters: Mapping[str, float]) -> None:
    for name, value in counters.items():
        if name in SCALER_COUNTERS:
            setattr(shim.scaler, name, value)
        elif name == "n_steps" and hasattr(shim, "thaw") and getattr(shim, "is_loaded", False):
            shim.thaw(int(value))
        else:
            setattr(shim, name, value)


def _check_size(name: str, tensor: torch.Tensor, expected: int) -> None:
    if tensor.numel() != expected:
        problem = f"'{name}' has {tensor.numel()} numbers, the parameter {expected}"
        raise CheckpointError(Errors.SB426.format(path="optimizer", problem=problem))
