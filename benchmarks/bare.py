"""The opponent: a plain PyTorch loop over transformers' BERT, as people write it, and well.

Padded batches, sorted by length within a shuffled buffer; linear heads on the first piece of each
word and on the mean of each text; one fused AdamW; bf16 through autocast. It knows nothing of this
package.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

IGNORE = -100
MAX_PIECES = 512
NO_DECAY = ("bias", "LayerNorm.weight")


@dataclass(frozen=True)
class Text:
    """A text in pieces, with what is to be learnt from it.

    ids (list): Pieces, special ones included.
    first_pieces (list): Row of the first piece of each word; -1 for a word without any.
    tags (list): Tag number of each word, `IGNORE` where it is not known.
    target (Tensor or None): Label number, or (n_labels,) zeros and ones.
    n_words (int): spaCy tokens.
    segments (list): Of each piece, where the text is a pair; None: all 0.
    """

    ids: list[int]
    first_pieces: list[int]
    tags: list[int]
    target: torch.Tensor | None
    n_words: int
    segments: list[int] | None = None


@dataclass(frozen=True)
class Batch:
    """Texts padded to the longest.

    Shape: ids, mask, tags, segments: (n_texts, n_pieces); targets: (n_texts,) or
        (n_texts, n_labels).
    """

    ids: torch.Tensor
    mask: torch.Tensor
    tags: torch.Tensor
    targets: torch.Tensor | None
    segments: torch.Tensor | None = None


class BareModel(nn.Module):
    """An encoder of transformers with a linear layer over words, texts, or both.

    n_tags, n_labels (int): 0: without that layer.
    is_pairs (bool): Whether texts are pairs, which transformers classifies by what the checkpoint's
        pooler makes of the first piece.
    """

    def __init__(
        self,
        checkpoint: str,
        *,
        n_tags: int,
        n_labels: int,
        is_multilabel: bool,
        dropout: float,
        is_pairs: bool = False,
    ) -> None:
        from transformers import AutoModel

        super().__init__()
        rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        self.encoder = AutoModel.from_pretrained(checkpoint, add_pooling_layer=is_pairs, **rates)
        width = self.encoder.config.hidden_size
        self.dropout = nn.Dropout(dropout)
        self.tagger = make_linear(width, n_tags)
        self.classifier = make_linear(width, n_labels)
        self.is_multilabel, self.is_pairs = is_multilabel, is_pairs

    def forward(self, batch: Batch) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Scores of tags and of labels.

        Shape: (n_texts, n_pieces, n_tags) and (n_texts, n_labels).
        """
        segments = {"token_type_ids": batch.segments} if self.is_pairs else {}
        output = self.encoder(input_ids=batch.ids, attention_mask=batch.mask, **segments)
        last = output.last_hidden_state
        tags = labels = None
        if self.tagger is not None:
            tags = self.tagger(self.dropout(last))
        if self.classifier is not None:
            mask = batch.mask.unsqueeze(-1)
            pooled = output.pooler_output if self.is_pairs else (last * mask).sum(1) / mask.sum(1)
            labels = self.classifier(self.dropout(pooled))
        return tags, labels

    def loss(self, batch: Batch) -> torch.Tensor:
        """Sum of the losses of both heads, each a mean over what it has to learn."""
        tags, labels = self(batch)
        loss = batch.ids.new_zeros((), dtype=torch.float32)
        if tags is not None and bool((batch.tags != IGNORE).any()):
            flat = tags.float().flatten(0, 1)
            loss = loss + functional.cross_entropy(flat, batch.tags.flatten(), ignore_index=IGNORE)
        if labels is not None and batch.targets is not None:
            if self.is_multilabel:
                loss = loss + functional.binary_cross_entropy_with_logits(
                    labels.float(), batch.targets
                )
            else:
                loss = loss + functional.cross_entropy(labels.float(), batch.targets)
        return loss


def make_linear(width: int, n_outputs: int) -> nn.Linear | None:
    """A head as transformers initialises it, or none."""
    if not n_outputs:
        return None
    layer = nn.Linear(width, n_outputs)
    nn.init.normal_(layer.weight, std=0.02)
    nn.init.zeros_(layer.bias)
    return layer


def make_optimizer(
    model: nn.Module, *, learn_rate: float, head_factor: float = 1.0, weight_decay: float = 0.01
) -> torch.optim.AdamW:
    """Fused AdamW; no decay on biases and layer norms, heads at a rate of their own."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        is_head = not name.startswith(("encoder.", "bert."))
        groups.setdefault((is_head, name.endswith(NO_DECAY)), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": learn_rate * (head_factor if is_head else 1.0),
                "weight_decay": 0.0 if is_bias else weight_decay,
            }
            for (is_head, is_bias), parameters in groups.items()
        ],
        fused=True,
    )


def linear_schedule(
    optimizer: torch.optim.Optimizer, *, n_steps: int, warmup: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """Up from zero over the warm-up, and linearly down to zero at the last step."""

    def factor(step: int) -> float:
        if step < warmup:
            return step / max(warmup, 1)
        return max(0.0, (n_steps - step) / max(n_steps - warmup, 1))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def update(
    model: Any, batch: Any, optimizer: torch.optim.Optimizer, *, is_bf16: bool, clip: float = 1.0
) -> torch.Tensor:
    """One step; the loss is left on its device."""
    device = next(model.parameters()).device
    with autocast(device.type, is_bf16=is_bf16):
        loss: torch.Tensor = model.loss(batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.detach()


def autocast(device: str, *, is_bf16: bool) -> contextlib.AbstractContextManager[Any]:
    """bf16 matrix products, or nothing at all."""
    if is_bf16:
        return torch.autocast(device, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def collate(texts: Sequence[Text], *, pad_id: int, device: str = "cpu") -> Batch:
    """Pad to the longest text."""
    longest = max(len(text.ids) for text in texts)
    ids = torch.full((len(texts), longest), pad_id)
    mask = torch.zeros((len(texts), longest), dtype=torch.long)
    tags = torch.full((len(texts), longest), IGNORE)
    segments = torch.zeros((len(texts), longest), dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, : len(text.ids)] = torch.tensor(text.ids)
        mask[row, : len(text.ids)] = 1
        if text.segments is not None:
            segments[row, : len(text.ids)] = torch.tensor(text.segments)
        for piece, tag in zip(text.first_pieces, text.tags, strict=True):
            if piece >= 0:
                tags[row, piece] = tag
    known = [text.target for text in texts if text.target is not None]
    targets = torch.stack(known).to(device) if len(known) == len(texts) else None
    return Batch(ids.to(device), mask.to(device), tags.to(device), targets, segments.to(device))


def epoch_batches(
    lengths: Sequence[int], words: Sequence[int], *, batch_words: int, buffer: int, rng: Any
) -> Iterator[list[int]]:
    """Rows of each batch of an epoch: shuffled, sorted by length within a buffer of texts.

    lengths, words (Sequence[int]): Pieces and words of each text.
    batch_words (int): Most words of a batch; a longer text is a batch of its own.
    buffer (int): Texts that are sorted together.
    rng: `random.Random`.
    """
    order = list(range(len(lengths)))
    rng.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), buffer):
        rows = sorted(order[start : start + buffer], key=lambda row: lengths[row])
        batches.extend(fill_batches(rows, words, batch_words=batch_words))
    rng.shuffle(batches)
    yield from batches


def fill_batches(
    rows: Sequence[int], words: Sequence[int], *, batch_words: int
) -> Iterator[list[int]]:
    """Cut rows, in their order, into batches of at most so many words."""
    batch: list[int] = []
    n_words = 0
    for row in rows:
        if batch and n_words + words[row] > batch_words:
            yield batch
            batch, n_words = [], 0
        batch.append(row)
        n_words += words[row]
    if batch:
        yield batch
