"""`spacy-bert-plugin.AdamW.v1`: one fused step for all torch parameters, thinc's for the rest."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from thinc.api import Optimizer

from ..errors import Errors, SettingError, TrainingError
from ..typedefs import ParamGroup

# Parameters of at most so many axes (biases, layer norms) are not decayed.
NO_DECAY_NDIM = 1
# AdamW moves every weight by about the learning rate at each step, whatever the gradient. Encoders
# have weights of about 0.04: a few steps at this rate leave nothing of what they have learned.
DESTRUCTIVE_RATE = 1e-3


class AdamW(Optimizer):
    """AdamW for fine-tuning: the encoder at `learn_rate`, heads faster.

    torch's fused step moves all torch parameters at once, after clipping them by one global norm.
    Biases and layer norms are not decayed. Parameters of thinc layers are stepped by thinc as
    before. Heads of either kind learn at `learn_rate * head_factor`.

    Loshchilov and Hutter (2017), https://arxiv.org/abs/1711.05101
    """

    __slots__ = ("_restored", "head_factor", "n_steps", "torch_clip", "torch_optimizer", "warned")

    def __init__(
        self,
        learn_rate: Any,
        *,
        head_factor: float,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        grad_clip: float,
    ) -> None:
        super().__init__(
            learn_rate,
            L2=weight_decay,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            grad_clip=grad_clip,
            use_averages=False,
            L2_is_weight_decay=True,
        )
        self.head_factor = head_factor
        self.torch_clip = grad_clip
        self.n_steps = 0
        self.warned = False
        self.torch_optimizer: torch.optim.AdamW | None = None
        self._restored: dict[torch.nn.Parameter, Mapping[str, torch.Tensor]] = {}

    def __call__(
        self, key: Any, weights: Any, gradient: Any, *, lr_scale: float = 1.0
    ) -> tuple[Any, Any]:
        """Step one array of a thinc layer. RAISES (TrainingError): The gradient is not finite."""
        if not float(abs(gradient).sum()) < float("inf"):
            raise TrainingError(Errors.SB401.format(what="A gradient", step=self.n_steps))
        scale = lr_scale * self.head_factor
        stepped: tuple[Any, Any] = super().__call__(key, weights, gradient, lr_scale=scale)
        return stepped

    def step_schedules(self) -> None:
        """Move on to the learning rate of the next step."""
        self.n_steps += 1
        super().step_schedules()  # type: ignore[no-untyped-call]

    def step_torch(self, groups: Sequence[ParamGroup]) -> None:
        """Step torch parameters that belong together.

        groups (Sequence[ParamGroup]): Everything that one norm is to be taken of.
        RAISES (TrainingError): The norm of the gradients is not finite. Nothing was changed.
        """
        params = [param for group in groups for _, param in group.params]
        norm = torch.nn.utils.get_total_norm([p.grad for p in params if p.grad is not None])
        if not bool(torch.isfinite(norm)):
            raise TrainingError(Errors.SB401.format(what="The gradient", step=self.n_steps))
        if self.torch_clip:
            torch.nn.utils.clip_grads_with_norm_(params, self.torch_clip, norm)
        self._warn(groups)
        optimizer = self._find_optimizer(groups)
        for stored in optimizer.param_groups:
            stored["lr"] = float(self.learn_rate) * stored["scale"]
        optimizer.step()

    def restore_torch(
        self, states: Mapping[torch.nn.Parameter, Mapping[str, torch.Tensor]]
    ) -> None:
        """Go on with the moments of an earlier run.

        states (Mapping): For each parameter what torch's AdamW keeps of it: "step", "exp_avg" and
            "exp_avg_sq".
        """
        self._restored.update(states)

    def _find_optimizer(self, groups: Sequence[ParamGroup]) -> torch.optim.AdamW:
        """torch's optimizer, with parameters that it has not seen before added."""
        optimizer, known = self.torch_optimizer, set()
        if optimizer is not None:
            known = {id(p) for stored in optimizer.param_groups for p in stored["params"]}
        fresh: list[dict[str, Any]] = []
        for group in groups:
            scale = group.scale * (self.head_factor if group.is_head else 1.0)
            new = [param for _, param in group.params if id(param) not in known]
            for is_decayed in (True, False):
                params = [p for p in new if (p.ndim > NO_DECAY_NDIM) is is_decayed]
                decay = self.L2 if is_decayed else 0.0
                if params:
                    fresh.append({"params": params, "weight_decay": decay, "scale": scale})
        if optimizer is None:
            optimizer = self.torch_optimizer = torch.optim.AdamW(
                fresh, lr=0.0, betas=(self.b1, self.b2), eps=self.eps, fused=True
            )
        else:
            for stored in fresh:
                optimizer.add_param_group(stored)
        if self._restored and fresh:
            for param in (p for stored in fresh for p in stored["params"]):
                state = self._restored.pop(param, None)
                if state is not None:
                    optimizer.state[param] = {n: t.to(param.device) for n, t in state.items()}
        return optimizer

    def _warn(self, groups: Sequence[ParamGroup]) -> None:
        if self.warned or all(group.is_head for group in groups):
            return
        rate = float(self.learn_rate)
        if rate > DESTRUCTIVE_RATE:
            self.warned = True
            warnings.warn(Errors.SB403.format(got=rate, limit=DESTRUCTIVE_RATE), stacklevel=2)


def build_adamw_v1(
    learn_rate: Any = 5e-5,
    head_factor: float = 10.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    grad_clip: float = 1.0,
) -> Optimizer:
    """Build the optimizer.

    learn_rate (float or schedule): Rate of the encoder.
    head_factor (float): Rate of all other parameters, in multiples of it.
    beta1, beta2, eps (float): As in Adam.
    weight_decay (float): Decoupled decay; not for biases and layer norms of torch modules.
    grad_clip (float): Largest norm: of all gradients of an encoder and the torch heads that listen
        to it together, of each array of a thinc layer alone. 0.0: no clipping.
    RAISES (SettingError): A value cannot work.
    """
    for name, value in (("head_factor", head_factor), ("eps", eps)):
        if not value > 0.0:
            raise SettingError(Errors.SB002.format(name=name, expected="above 0.0", got=value))
    for name, value in (("weight_decay", weight_decay), ("grad_clip", grad_clip)):
        if not value >= 0.0:
            raise SettingError(Errors.SB002.format(name=name, expected="at least 0.0", got=value))
    return AdamW(
        learn_rate,
        head_factor=head_factor,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        weight_decay=weight_decay,
        grad_clip=grad_clip,
    )
