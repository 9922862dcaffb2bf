"""The job `bare` of `quality.py` for questions: the usual loop over windows with start and end.

Question and context are padded windows of 384 pieces that overlap by 128, as the recipes of
transformers have them; a window without the answer points at its first piece. An answer is the
best sum of start and end over the windows of a question. It knows nothing of this package.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from bare import autocast, fill_batches, linear_schedule, make_optimizer
from corpora import read_examples
from job import Job, Outcome
from quality_bare import BareRun
from torch import nn
from torch.nn import functional

MAX_PIECES, STRIDE = 384, 128
MAX_ANSWER_PIECES = 60
N_BEST = 20
PREDICT_WORDS = 8000


@dataclass(frozen=True)
class Window:
    """A question and a part of its context in pieces.

    ids, segments (list): Pieces; 1 for those of the context.
    offsets (list): Characters of the context that each piece is; None elsewhere.
    start, end (int): Pieces of the answer; 0, the first piece, where it is not in here.
    """

    ids: list[int]
    segments: list[int]
    offsets: list[tuple[int, int] | None]
    start: int
    end: int


@dataclass(frozen=True)
class Asked:
    """A question in windows. n_words (int): spaCy tokens of question and context."""

    windows: list[Window]
    context: str
    n_words: int


class WindowMaker:
    """Turns Examples into windows. tokenizer: Of transformers, fast."""

    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def make(self, examples: Sequence[Any]) -> list[Asked]:
        """All questions in windows; the first right answer is learnt."""
        return [self._make_one(example) for example in examples]

    def _make_one(self, example: Any) -> Asked:
        question, context = (span.text for span in example.reference.spans["pair"])
        encoded = self.tokenizer(
            question.strip(),
            context,
            truncation="only_second",
            max_length=MAX_PIECES,
            stride=STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_token_type_ids=True,
        )
        gold = example.reference.spans["gold_answers"].attrs
        answer = None
        if gold["texts"]:
            answer = gold["starts"][0], gold["starts"][0] + len(gold["texts"][0])
        windows = []
        for row, ids in enumerate(encoded["input_ids"]):
            sides = encoded.sequence_ids(row)
            offsets = [
                tuple(offset) if side == 1 else None
                for offset, side in zip(encoded["offset_mapping"][row], sides, strict=True)
            ]
            start, end = find_pieces(offsets, answer)
            windows.append(Window(ids, encoded["token_type_ids"][row], offsets, start, end))
        return Asked(windows, context, len(example.predicted))


def find_pieces(
    offsets: Sequence[tuple[int, int] | None], answer: tuple[int, int] | None
) -> tuple[int, int]:
    """First and last piece of an answer; 0 and 0 unless all of it is there."""
    rows = [row for row, offset in enumerate(offsets) if offset is not None]
    if answer is None or not rows:
        return 0, 0
    if offsets[rows[0]][0] > answer[0] or offsets[rows[-1]][1] < answer[1]:  # type: ignore[index]
        return 0, 0
    inside = [
        row
        for row in rows
        if offsets[row][0] < answer[1] and offsets[row][1] > answer[0]  # type: ignore[index]
    ]
    return (inside[0], inside[-1]) if inside else (0, 0)


class AnswerModel(nn.Module):
    """An encoder of transformers with the scores of start and end."""

    def __init__(self, checkpoint: str, *, dropout: float) -> None:
        from transformers import AutoModel

        super().__init__()
        rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        self.encoder = AutoModel.from_pretrained(checkpoint, add_pooling_layer=False, **rates)
        self.output = nn.Linear(self.encoder.config.hidden_size, 2)
        nn.init.normal_(self.output.weight, std=0.02)
        nn.init.zeros_(self.output.bias)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Scores, -inf for padding. Shape: (n_windows, n_pieces, 2)"""
        last = self.encoder(
            input_ids=batch["ids"], attention_mask=batch["mask"], token_type_ids=batch["segments"]
        ).last_hidden_state
        scores: torch.Tensor = self.output(last).float()
        return scores.masked_fill(batch["mask"].unsqueeze(-1) == 0, -1e9)

    def loss(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Mean cross entropy of start and end."""
        scores = self(batch)
        losses = [
            functional.cross_entropy(scores[..., side], batch["targets"][:, side])
            for side in (0, 1)
        ]
        return (losses[0] + losses[1]) / 2


def collate_windows(windows: Sequence[Window], *, pad_id: int) -> dict[str, torch.Tensor]:
    """Pad to the longest window."""
    shape = len(windows), max(len(window.ids) for window in windows)
    ids = torch.full(shape, pad_id)
    mask, segments = (torch.zeros(shape, dtype=torch.long) for _ in range(2))
    for row, window in enumerate(windows):
        n = len(window.ids)
        ids[row, :n], mask[row, :n] = torch.tensor(window.ids), 1
        segments[row, :n] = torch.tensor(window.segments)
    targets = torch.tensor([(window.start, window.end) for window in windows])
    return {"ids": ids, "mask": mask, "segments": segments, "targets": targets}


class SquadRun(BareRun):
    """Training and test of the loop over windows."""

    def count_pieces(self, text: Asked) -> int:
        """Of all windows of a question."""
        return sum(len(window.ids) for window in text.windows)

    def collate(self, texts: Sequence[Asked]) -> dict[str, torch.Tensor]:
        """All windows of each question in one batch."""
        windows = [window for text in texts for window in text.windows]
        return collate_windows(windows, pad_id=self.maker.tokenizer.pad_token_id)

    @torch.inference_mode()
    def predict(self, split: str) -> float:
        """Answer the questions of a split. RETURNS (float): Seconds."""
        import time

        start = time.perf_counter()
        self.model.eval()
        asked, examples = self.texts[split], self.examples[split]
        order = sorted(range(len(asked)), key=lambda row: asked[row].n_words)
        words = [one.n_words for one in asked]
        for rows in fill_batches(order, words, batch_words=PREDICT_WORDS):
            with autocast("cpu", is_bf16=self.is_bf16):
                scores = self.model(self.collate([asked[row] for row in rows]))
            parts = torch.split(scores, [len(asked[row].windows) for row in rows])
            for row, part in zip(rows, parts, strict=True):
                examples[row].predicted.user_data["answer"] = find_answer(asked[row], part)
        return time.perf_counter() - start


def find_answer(asked: Asked, scores: torch.Tensor) -> str:
    """The text between the best start and end of any window.

    Shape: scores (n_windows, n_pieces, 2).
    """
    best, answer = -math.inf, ""
    for window, rows in zip(asked.windows, scores.float(), strict=True):
        known = [row for row, offset in enumerate(window.offsets) if offset is not None]
        kept = rows[known]
        starts, ends = (kept[:, side].topk(min(N_BEST, len(known))) for side in (0, 1))
        for start_score, start in zip(starts.values.tolist(), starts.indices.tolist(), strict=True):
            for end_score, end in zip(ends.values.tolist(), ends.indices.tolist(), strict=True):
                if start <= end < start + MAX_ANSWER_PIECES and start_score + end_score > best:
                    best = start_score + end_score
                    first, last = window.offsets[known[start]], window.offsets[known[end]]
                    answer = asked.context[first[0] : last[1]]  # type: ignore[index]
    return answer


def train_bare_squad(job: Job) -> Outcome:
    """Train, choose, test."""
    import numpy as np
    import spacy
    from transformers import AutoTokenizer

    random.seed(job.seed)
    np.random.seed(job.seed)
    torch.manual_seed(job.seed)
    nlp, recipe = spacy.blank("en"), job.recipe
    examples = {split: read_examples(Path(path), nlp) for split, path in job.paths.items()}
    maker = WindowMaker(AutoTokenizer.from_pretrained(job.checkpoint))
    model = AnswerModel(job.checkpoint, dropout=recipe.dropout)
    optimizer = make_optimizer(model, learn_rate=recipe.learn_rate, head_factor=recipe.head_factor)
    schedule = linear_schedule(
        optimizer, n_steps=job.n_steps, warmup=math.ceil(recipe.warmup * job.n_steps)
    )
    run = SquadRun(job, kind="answers", model=model, maker=maker, examples=examples)
    run.train(optimizer, schedule)
    return run.test()
