"""The thinc shim around a torch module: updates, averages and device of its parameters."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from thinc.api import Model, torch2xp, xp2torch
from thinc.shims import Shim

from ..errors import Errors, TrainingError
from ..typedefs import ParamGroup


class TorchShim(Shim):
    """What the shims of the encoder and of heads have in common.

    Nothing is written as a pickle: subclasses say in `to_bytes` how weights are stored.
    """

    is_head = True

    def __init__(self) -> None:
        super().__init__(None)
        self.n_updates = 0

    @property
    def module(self) -> torch.nn.Module | None:
        """The torch module, None until there are weights."""
        return None

    def named_parameters(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """Yield every parameter under the name that it has in the module."""
        if self.module is not None:
            yield from self.module.named_parameters()

    def list_groups(self) -> list[ParamGroup]:
        """Parameters that have a gradient, with the factor on their learning rate."""
        named = [(name, param) for name, param in self.named_parameters() if param.grad is not None]
        return [ParamGroup(named, is_head=self.is_head)] if named else []

    def prepare_step(self) -> bool:
        """Bring gradients to their true size. RETURNS: Whether they can be stepped with."""
        return True

    def count_step(self) -> None:
        """Note that a step of the training is done, whether or not it had gradients."""

    def forget(self) -> None:
        """Drop what was derived from the weights: they have changed."""

    def finish_update(self, optimizer: Any) -> None:
        """Step every parameter that has a gradient, then clear the gradients.

        RAISES (TrainingError): A gradient is not finite. No parameter has been changed.
        """
        step_together([self], optimizer)

    @contextlib.contextmanager
    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        """Swap in other parameter values (averages, say) and put the old ones back."""
        own = {name: value for (key, name), value in params.items() if key == self.id}
        chosen = [(name, param) for name, param in self.named_parameters() if name in own]
        if not chosen:
            yield
            return
        backup = {name: param.detach().clone() for name, param in chosen}
        try:
            for name, param in chosen:
                _write(param, own[name])
            self.forget()
            yield
        finally:
            for name, param in chosen:
                _write(param, backup[name])
            self.forget()

    def to_device(self, device_type: str, device_id: int) -> None:
        """Move the weights: "cpu", "gpu" or "mps" as thinc calls them."""
        if self.module is not None:
            name = {"gpu": f"cuda:{device_id}"}.get(device_type, device_type)
            self.module.to(torch.device(name))


def step_together(shims: Sequence[TorchShim], optimizer: Any) -> None:
    """Step the parameters of several modules as one, then clear their gradients.

    An optimizer with a method `step_torch` steps all of them at once, after clipping by one norm;
    any other thinc optimizer is called tensor by tensor.

    RAISES (TrainingError): A gradient is not finite. No parameter has been changed.
    """
    ready = [shim for shim in shims if shim.prepare_step()]
    listed = [(shim, groups) for shim in ready if (groups := shim.list_groups())]
    for shim, _ in listed:
        shim.n_updates += 1
    if listed and hasattr(optimizer, "step_torch"):
        optimizer.step_torch([group for _, groups in listed for group in groups])
    elif listed:
        _step_each(listed, optimizer)
    for shim in shims:
        for _, param in shim.named_parameters():
            param.grad = None
    for shim, _ in listed:
        shim.forget()
    for shim in shims:
        shim.count_step()


def finish_model(model: Model[Any, Any], optimizer: Any) -> None:
    """Step everything in a model: its torch modules together, then thinc's parameters.

    RAISES (TrainingError): A gradient is not finite.
    """
    step_together(find_shims(model), optimizer)
    for node in model.walk():
        for shim in node.shims:
            if not isinstance(shim, TorchShim):
                shim.finish_update(optimizer)  # type: ignore[no-untyped-call]
        for name in node.param_names:
            if node.has_grad(name):
                weights, gradient = node.get_param(name), node.get_grad(name)
                stepped, _ = optimizer((node.id, name), weights, gradient)
                node.set_param(name, stepped)


def find_shims(model: Model[Any, Any]) -> list[TorchShim]:
    """List the torch shims of a model and of everything in it."""
    return [shim for node in model.walk() for shim in node.shims if isinstance(shim, TorchShim)]


def _step_each(listed: Sequence[tuple[TorchShim, list[ParamGroup]]], optimizer: Any) -> None:
    grads = [p.grad for _, groups in listed for group in groups for _, p in group.params]
    norm = torch.nn.utils.get_total_norm([grad for grad in grads if grad is not None])
    if not bool(torch.isfinite(norm)):
        raise TrainingError(Errors.SB401.format(what="A gradient", step=listed[0][0].n_updates))
    for shim, groups in listed:
        for group in groups:
            # What stands in for an optimizer (in `nlp.rehearse`) takes three arguments.
            scale = {} if group.scale == 1.0 else {"lr_scale": group.scale}
            for name, param in group.params:
                arrays: Any = torch2xp(param.detach()), torch2xp(torch.as_tensor(param.grad))
                weights, _ = optimizer((shim.id, name), *arrays, **scale)
                _write(param, weights)


def _write(param: torch.nn.Parameter, value: Any) -> None:
    value = value if isinstance(value, torch.Tensor) else xp2torch(value, device=param.device)
    with torch.no_grad():
        param.copy_(value)
