"""One training batch of a shared encoder: vectors out to the listeners, gradients back once."""

from collections.abc import Callable, Sequence
from functools import partial
from threading import get_ident
from typing import Any

import torch
from spacy.tokens import Doc
from thinc.api import torch2xp, xp2torch

from ..errors import Errors, TrainingError
from ..layers import TOKEN_OUTPUTS, BertListener, EncodedDocs, split_rows
from ..layers.apart_texts import count_texts
from ..layers.bert_encoder import GradientsT

BackwardT = Callable[[GradientsT], None]


class TrainingBatch:
    """Collects the gradients of all listeners and runs the backward pass when all are in.

    A listener that never reports (its component is frozen) must not hold the others up: `flush`
    runs the backward pass with what has come.
    """

    def __init__(
        self,
        docs: list[Doc],
        encoded: EncodedDocs,
        backward: BackwardT,
        on_done: Callable[[float], None],
    ) -> None:
        self.docs = docs
        self.thread = get_ident()
        self.n_reports = 0
        self.counts = [len(doc) for doc in docs]
        self.row_counts = [count_texts(doc) for doc in docs]
        self._outputs = {"tokens": encoded.tokens, **encoded.pooled}
        self._gradients: GradientsT = {}
        self._backward: BackwardT | None = backward
        self._on_done = on_done
        self._waiting: dict[int, BertListener] = {}
        self._step: Callable[[], None] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the backward pass is still to come."""
        return self._backward is not None

    def is_stale_for(self, docs: Sequence[Doc]) -> bool:
        """Whether this thread has gone on to other Docs without waiting for all listeners."""
        known = set(map(id, self.docs))
        is_mine = self.is_waiting and self.thread == get_ident()
        return is_mine and not any(id(doc) in known for doc in docs)

    def send(self, listeners: Sequence[BertListener]) -> None:
        """Hand the vectors to the listeners."""
        arrays = {name: torch2xp(t.detach()) for name, t in self._outputs.items()}
        for listener in listeners:
            counts = self._count_rows(listener)
            vectors = split_rows(arrays[listener.output], counts)
            self._waiting[id(listener)] = listener
            listener.receive(self.docs, vectors, partial(self.add_gradient, listener))

    def add_gradient(self, listener: BertListener, gradients: Sequence[Any]) -> list[Doc]:
        """Take the gradient of one listener; the last one starts the backward pass.

        gradients (Sequence): One array a Doc, of the shape that the listener handed on.
        RAISES (TrainingError): A value is not finite. Nothing has been changed.
        """
        if self._backward is None or not gradients:
            return []
        output = self._outputs[listener.output]
        xp = listener.ops.xp
        gradient = xp2torch(xp.concatenate(gradients), device=output.device)
        if not torch.isfinite(gradient.sum()):
            raise TrainingError(
                Errors.SB402.format(component=listener.component_name, n_docs=len(self.docs))
            )
        known = self._gradients.get(listener.output)
        self._gradients[listener.output] = gradient if known is None else known + gradient
        self._waiting.pop(id(listener), None)
        self.n_reports += 1
        if not self._waiting:
            self.flush()
        return []

    def flush(self) -> None:
        """Run the backward pass with the gradients that have come, and let go of the graph."""
        for listener in self._waiting.values():
            listener.forget_batch()
        backward, self._backward = self._backward, None
        self._waiting = {}
        if backward is not None and self._gradients:
            backward(self._gradients)
            self._on_done(float(sum((g * g).sum() for g in self._gradients.values())))
        self._outputs = {}
        step, self._step = self._step, None
        if step is not None:
            step()

    def cancel(self) -> None:
        """Let go of everything: no gradient of this batch will reach a weight."""
        self._gradients, self._step = {}, None
        self.flush()

    def postpone(self, step: Callable[[], None]) -> None:
        """Step the weights after the backward pass, which needs them as they were."""
        self._step = step

    def _count_rows(self, listener: BertListener) -> list[int]:
        return self.counts if listener.output in TOKEN_OUTPUTS else self.row_counts
