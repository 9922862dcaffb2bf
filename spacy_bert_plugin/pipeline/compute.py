"""What an encoder computes for a batch of Docs in prediction: all that its listeners will ask."""

from collections.abc import Sequence

from spacy.tokens import Doc
from thinc.api import torch2xp

from ..layers import (
    TOKEN_OUTPUTS,
    BertListener,
    EncoderModel,
    explain_memory,
    get_shim,
    prepare,
    split_rows,
    start_encoder,
)
from .activations import Activations
from .long_docs import can_read_in_runs, encode_long_doc, find_long
from .trf_data import TransformerOutput


class PendingActivations:
    """Docs on their way through the encoder: begun when this is made, waited for by `finish`.

    Long ones are encoded by themselves, where that saves memory, when they are waited for.
    All that is asked of the Docs is asked when it begins. What comes later works on numbers, so
    other Docs may be made, and their strings come and go, in the meantime.

    keep (str): What will stay on the Docs.
    """

    def __init__(
        self,
        model: EncoderModel,
        docs: Sequence[Doc],
        listeners: Sequence[BertListener],
        *,
        keep: str,
    ) -> None:
        self.model, self.docs, self.listeners, self.keep = model, docs, listeners, keep
        self.pooled = {listener.output for listener in listeners} - {"tokens"}
        if keep != "none":
            self.pooled.add("mean")
        can_run = can_read_in_runs(listeners, keep=keep)
        self.in_runs = [can_run and is_long for is_long in find_long(docs)]
        self.others = [doc for doc, is_run in zip(docs, self.in_runs, strict=True) if not is_run]
        self.prepared = prepare(model, self.others)
        self.run = start_encoder(
            model, self.prepared, pooled=self.pooled, use_all_layers=keep == "all"
        )

    def finish(self) -> list[Activations]:
        """Wait for the vectors. RETURNS (list[Activations]): One a Doc."""
        rest = iter(self._finish_others())
        return [
            encode_long_doc(self.model, doc, self.listeners, pooled=self.pooled)
            if is_run
            else next(rest)
            for doc, is_run in zip(self.docs, self.in_runs, strict=True)
        ]

    def cancel(self) -> None:
        """Nobody will wait for it: what has not begun need not run."""
        self.run.cancel()

    def _finish_others(self) -> list[Activations]:
        docs = self.others
        with explain_memory(docs, is_train=False):
            encoded = self.run.finish()
        counts, rows = self.prepared.alignment.doc_tokens.tolist(), self.prepared.row_counts
        outputs = {
            name: split_rows(torch2xp(tensor), counts if name in TOKEN_OUTPUTS else rows)
            for name, tensor in (("tokens", encoded.tokens), *encoded.pooled.items())
        }
        items = [
            Activations(count, {name: parts[i] for name, parts in outputs.items()})
            for i, count in enumerate(counts)
        ]
        if self.keep == "all":
            checkpoint = get_shim(self.model).checkpoint
            for i, item in enumerate(items):
                item.outputs["trf_data"] = TransformerOutput.slice(
                    encoded, self.prepared, i, checkpoint.tokenizer, checkpoint.encoder
                )
        return items
