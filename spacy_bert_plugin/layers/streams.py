"""Work that a CUDA device has been asked for, beside what the heads ask of it.

    stream of encoders   | batch 1 | batch 2 | batch 3 |
    stream of heads                |heads 1| |heads 2|

In one stream, what the heads ask for batch 1 would wait until batch 2, which was asked for before,
is through.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Generic, TypeVar

import torch
from torch import Tensor

ResultT = TypeVar("ResultT")


class Begun(Generic[ResultT]):
    """A result that a device works on.

    compute (Callable): Asks the device for everything, and waits for nothing.
    """

    def __init__(self, device: torch.device, compute: Callable[[], ResultT]) -> None:
        self.device = device
        stream = find_stream(device)
        # Weights may just have been stepped, in the stream of the caller.
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.inference_mode(), torch.cuda.stream(stream):
            self.result = compute()
            self.event = stream.record_event()

    def finish(self, list_tensors: Callable[[ResultT], Iterable[Tensor]]) -> ResultT:
        """Let the stream of the caller wait for the result, and not the caller.

        list_tensors (Callable): Which tensors the caller will read.
        """
        stream = torch.cuda.current_stream(self.device)
        stream.wait_event(self.event)
        for tensor in list_tensors(self.result):
            # Its memory must not be given to others before this stream has read it.
            tensor.record_stream(stream)
        return self.result


@cache
def find_stream(device: torch.device) -> torch.cuda.Stream:
    """Find the stream of encoders on a device."""
    stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    return stream
