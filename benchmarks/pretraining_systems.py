"""The systems that `pretraining.py` measures: each learns from the same masked windows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

# What runs, what it is in the picture, and in which precision.
SYSTEMS: dict[str, tuple[str, str, str]] = {
    "ours, bf16": ("pretraining_systems:ours_bf16", "ours", "bf16"),
    "ours, fp32": ("pretraining_systems:ours_fp32", "ours", "fp32"),
    "padded BertForPreTraining, bf16": ("pretraining_systems:padded_bf16", "bound", "bf16"),
    "padded BertForPreTraining, fp32": ("pretraining_systems:padded_fp32", "bound", "fp32"),
}
PADDED = {what: name for name, (_, kind, what) in SYSTEMS.items() if kind == "bound"}
# Sizes of the encoder, and of the vocabulary that is learned from the texts.
SHAPES: dict[str, dict[str, Any]] = {
    "small": {"vocabulary": 8_000, "sizes": {"width": 256, "n_layers": 4, "n_heads": 4}},
    "base": {"vocabulary": 30_000, "sizes": {"width": 768, "n_layers": 12, "n_heads": 12}},
    "tiny": {"vocabulary": 300, "sizes": {"width": 32, "n_layers": 2, "n_heads": 2}},
}
MAX_PIECES = {"small": 128, "base": 512, "tiny": 32}
LEARN_RATE, DROPOUT, DECAY, CLIP = 1e-4, 0.1, 0.01, 1.0


def make_texts(
    paths: Sequence[Path], folder: Path, *, shape: str, limit: int = 0
) -> dict[str, int]:
    """Learn a vocabulary, and cut the texts into pieces once for all turns.

    paths: Files or folders of texts.
    folder (Path): Gets `vocabulary/` and `pieces/`.
    limit (int): Passages to read; 0: all.
    RETURNS (dict): Number of pieces of text and of the vocabulary.
    """
    from spacy_bert_plugin.checkpoints import read_tokenizer
    from spacy_bert_plugin.pretraining import TextCorpus
    from spacy_bert_plugin.pretraining.store import make_store
    from spacy_bert_plugin.pretraining.vocabulary import VocabularySettings, train_vocabulary

    corpus = TextCorpus([str(path) for path in paths], limit=limit)
    sentences = (sentence for passage in corpus() for sentence in passage.sentences)
    files = train_vocabulary(sentences, VocabularySettings(size=SHAPES[shape]["vocabulary"]))
    (folder / "vocabulary").mkdir()
    for name, text in files.items():
        (folder / "vocabulary" / name).write_text(text, encoding="utf8")
    tokenizer = read_tokenizer(folder / "vocabulary")
    store = make_store(corpus(), tokenizer, folder / "pieces", key="benchmark")
    return {"pieces": len(store.pieces), "vocabulary": tokenizer.vocab_size}


def count_flops(shape: str, turn: dict[str, Any], *, n_pieces: int) -> float:
    """Floating-point operations of a training step for each piece: what the task needs.

    turn (dict): Has the pieces, hidden pieces and mean length of its windows.
    n_pieces (int): Of the vocabulary.

    Backward passes count twice a forward pass. Linear maps and attention are counted; scores of the
    vocabulary at hidden pieces only, whoever computes more of them.
    """
    sizes = SHAPES[shape]["sizes"]
    width, share = sizes["width"], turn["hidden"] / turn["pieces"]
    layer = 2 * 12 * width * width + 4 * width * turn["length"]
    head = share * (2 * width * width + 2 * width * n_pieces)
    return float(3 * (sizes["n_layers"] * layer + head))


def load_steps(settings: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The model, and the steps to warm up on and to time; the same ones in every process."""
    import torch

    from spacy_bert_plugin.pretraining import MaskSettings, PairSettings
    from spacy_bert_plugin.pretraining.batches import Collator
    from spacy_bert_plugin.pretraining.encoders import make_model
    from spacy_bert_plugin.pretraining.frame import make_frame
    from spacy_bert_plugin.pretraining.settings import EncoderChoice
    from spacy_bert_plugin.pretraining.store import open_store
    from spacy_bert_plugin.pretraining.stream import StepStream
    from spacy_bert_plugin.pretraining.windows import WindowPlanner

    folder, shape = Path(settings["folder"]), settings["shape"]
    torch.manual_seed(settings["seed"])
    sizes = {**SHAPES[shape]["sizes"], "n_positions": MAX_PIECES[shape]}
    choice = EncoderChoice(tokenizer=str(folder / "vocabulary"), sizes=sizes)
    model = make_model(choice, use_words=True, use_pairs=True)
    frame = make_frame(model.checkpoint.tokenizer)
    store = open_store(folder / "pieces", key="benchmark")
    if store is None:
        raise SystemExit(f"There are no pieces in {folder}.")
    stream = StepStream(
        WindowPlanner(store, frame, MAX_PIECES[shape], PairSettings()),
        Collator(store, frame, MaskSettings(), use_segments=True),
        seed=settings["seed"],
        step_pieces=settings["step_pieces"],
        batch_pieces=settings["step_pieces"],
    )
    n_steps = settings["warm_up"] + settings["steps"]
    return model, [step for step, _ in zip(stream.iter_steps(), range(n_steps), strict=False)]


class System:
    """Takes steps; what a step is, its kinds say.

    settings (dict): See `pretraining.py`.
    is_bf16 (bool): Computes in bf16, weights and optimizer in fp32.
    """

    def __init__(self, settings: dict[str, Any], *, is_bf16: bool) -> None:
        import torch

        self.device = torch.device(f"cuda:{settings['gpu']}" if settings["gpu"] >= 0 else "cpu")
        self.dtype = torch.bfloat16 if is_bf16 else torch.float32
        model, steps = load_steps(settings)
        self.set_up(model)
        n_warm_up = settings["warm_up"]
        self.warm_up_steps = [self.prepare(step) for step in steps[:n_warm_up]]
        self.steps = [self.prepare(step) for step in steps[n_warm_up:]]
        batches = [batch for step in steps[n_warm_up:] for batch in step.batches]
        n_pieces = sum(batch.packed.n_pieces for batch in batches)
        self.facts = {
            "pieces": n_pieces,
            "hidden": sum(batch.n_hidden for batch in batches),
            "length": n_pieces / max(1, sum(len(batch.packed.lengths) for batch in batches)),
        }

    def set_up(self, model: Any) -> None:
        """Keep what is trained, and its optimizer. model: As ours begins."""
        raise NotImplementedError

    def prepare(self, step: Any) -> Any:
        """What the clock does not see: batches in the form that is needed."""
        raise NotImplementedError

    def learn(self, step: Any) -> Any:
        """Take a step. RETURNS (Tensor): The sum of both losses."""
        raise NotImplementedError

    def warm_up(self) -> None:
        """Steps that are not timed."""
        self._take(self.warm_up_steps)

    def run(self) -> dict[str, Any]:
        """Take every step. RETURNS (dict): Mean loss, and what the pieces were."""
        return {"loss": self._take(self.steps), **self.facts}

    def _take(self, steps: list[Any]) -> float:
        losses = [self.learn(step) for step in steps]
        # Reading a value waits for a GPU.
        return sum(float(loss) for loss in losses) / max(1, len(losses))


class OurSystem(System):
    """The steps of `spacy bert pretrain`."""

    def set_up(self, model: Any) -> None:
        """Our model and our optimizer."""
        from spacy_bert_plugin.training import build_adamw_v1

        model.to(self.device)
        self.model = model
        self.optimizer = build_adamw_v1(LEARN_RATE, weight_decay=DECAY, grad_clip=CLIP)

    def prepare(self, step: Any) -> Any:
        """Packed as they come."""
        return step

    def learn(self, step: Any) -> Any:
        """As `PretrainingRun` does it."""
        from spacy_bert_plugin.pretraining.model import sum_losses

        n_words = sum(batch.n_hidden for batch in step.batches)
        n_pairs = sum(batch.n_pairs for batch in step.batches)
        total: Any = 0.0
        for batch in step.batches:
            batch = batch.to(self.device)
            losses = sum_losses(self.model.answer(batch, dropout=DROPOUT, dtype=self.dtype), batch)
            loss = losses.words / max(n_words, 1) + losses.pairs / max(n_pairs, 1)
            loss.backward()
            total = total + loss.detach()
        self.optimizer.step_torch(self.model.list_groups())
        self.model.finish_step()
        self.optimizer.step_schedules()
        return total


class PaddedSystem(System):
    """transformers' `BertForPreTraining`, windows padded to the longest of a batch."""

    def set_up(self, model: Any) -> None:
        """The same shape, with torch's fused AdamW."""
        import torch
        from transformers import BertConfig, BertForPreTraining

        sizes = model.encoder.config
        self.model = BertForPreTraining(
            BertConfig(
                vocab_size=sizes.vocab_size,
                hidden_size=sizes.width,
                num_hidden_layers=sizes.n_layers,
                num_attention_heads=sizes.n_heads,
                intermediate_size=sizes.hidden_width,
                max_position_embeddings=sizes.n_positions,
                hidden_dropout_prob=DROPOUT,
                attention_probs_dropout_prob=DROPOUT,
            )
        )
        self.model.to(self.device).train()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=LEARN_RATE, weight_decay=DECAY, fused=True
        )

    def prepare(self, step: Any) -> Any:
        """Padded, and on the device."""
        return [
            {name: value.to(self.device) for name, value in pad(batch).items()}
            for batch in step.batches
        ]

    def learn(self, step: Any) -> Any:
        """One forward and backward pass a batch, one update a step."""
        import torch

        is_bf16 = self.dtype == torch.bfloat16
        total: Any = 0.0
        for batch in step:
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=is_bf16):
                loss = self.model(**batch).loss / len(step)
            loss.backward()
            total = total + loss.detach()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return total


def pad(batch: Any) -> dict[str, Any]:
    """A packed batch as the reference wants it."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    lengths = list(batch.packed.lengths)
    labels = torch.full_like(batch.packed.ids, -100)
    labels[batch.rows] = batch.targets

    def lay_out(values: Any, padding: int) -> Any:
        rows = list(values.split(lengths))
        return pad_sequence(rows, batch_first=True, padding_value=padding)

    return {
        "input_ids": lay_out(batch.packed.ids, 0),
        "token_type_ids": lay_out(batch.packed.segments, 0),
        "attention_mask": lay_out(torch.ones_like(batch.packed.ids), 0),
        "labels": lay_out(labels, -100),
        "next_sentence_label": batch.follows,
    }


def ours_fp32(settings: dict[str, Any]) -> System:
    """In single precision."""
    return OurSystem(settings, is_bf16=False)


def ours_bf16(settings: dict[str, Any]) -> System:
    """In bf16."""
    return OurSystem(settings, is_bf16=True)


def padded_fp32(settings: dict[str, Any]) -> System:
    """In single precision."""
    return PaddedSystem(settings, is_bf16=False)


def padded_bf16(settings: dict[str, Any]) -> System:
    """With bf16 autocast."""
    return PaddedSystem(settings, is_bf16=True)
