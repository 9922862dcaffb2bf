"""The systems that `training.py` measures: each updates on the same batches of sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines import OUR_LISTENER, SPACY_NER, THEIR_LISTENER

PEER = "spacy-transformers 1.4.0, spaCy's ner"
BARE = {"fp32": "bare padded loop, fp32", "bf16": "bare padded loop, bf16 autocast"}
# What runs, what it is in the picture, and in which precision.
SYSTEMS: dict[str, tuple[str, str, str]] = {
    "bert_ner, bf16": ("training_systems:bert_ner_bf16", "ours", "bf16"),
    "bert_ner, fp32": ("training_systems:bert_ner_fp32", "ours", "fp32"),
    "our encoder, spaCy's ner, bf16": ("training_systems:spacy_ner_bf16", "ours", "bf16"),
    "our encoder, spaCy's ner, fp32": ("training_systems:spacy_ner_fp32", "ours", "fp32"),
    PEER: ("training_systems:spacy_transformers", "theirs", "fp32"),
    BARE["bf16"]: ("training_systems:bare_bf16", "bound", "bf16"),
    BARE["fp32"]: ("training_systems:bare_fp32", "bound", "fp32"),
}
LEARN_RATE = 5e-5
DROPOUT = 0.1


def read_batches(settings: dict[str, Any]) -> tuple[Any, Any]:
    """Batches to warm up with, and those to time."""
    batches = json.loads(Path(settings["batches"]).read_text(encoding="utf8"))
    return batches["warm_up"], batches["timed"]


class PipelineSystem:
    """A spaCy pipeline of an encoder and a head for entities.

    encoder, head: Name of the factory, and its settings.
    optimizer (str): Registered name.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        *,
        encoder: tuple[str, dict[str, Any]],
        head: tuple[str, dict[str, Any]],
        optimizer: str,
    ) -> None:
        import spacy
        from spacy.util import registry

        self.is_cuda = settings["device"] == "cuda"
        if self.is_cuda:
            from thinc.api import set_gpu_allocator

            set_gpu_allocator("pytorch")
            spacy.require_gpu(0)
        self.nlp = spacy.blank("en")
        for factory, config in (encoder, head):
            self.nlp.add_pipe(factory, config=config)
        self.head = head[0]
        warm_up, timed = read_batches(settings)
        self.warm_up_batches = [self._examples(batch) for batch in warm_up]
        self.batches = [self._examples(batch) for batch in timed]
        everything = [
            example for batch in (*self.warm_up_batches, *self.batches) for example in batch
        ]
        self.nlp.initialize(lambda: everything)
        chosen = {"@optimizers": optimizer, "learn_rate": LEARN_RATE}
        self.optimizer = registry.resolve({"optimizer": chosen})["optimizer"]

    def warm_up(self) -> None:
        """Updates that are not timed."""
        self._update(self.warm_up_batches)

    def run(self) -> float:
        """An update on every batch. RETURNS (float): Sum of the head's losses."""
        return self._update(self.batches)

    def _update(self, batches: list[Any]) -> float:
        losses: dict[str, float] = {}
        for batch in batches:
            self.nlp.update(batch, sgd=self.optimizer, drop=DROPOUT, losses=losses)
        synchronize(self.is_cuda)
        return float(losses[self.head])

    def _examples(self, batch: Any) -> list[Any]:
        from spacy.tokens import Doc
        from spacy.training import Example, biluo_tags_to_spans, iob_to_biluo

        examples = []
        for words, tags in batch:
            reference = Doc(self.nlp.vocab, words=words)
            reference.set_ents(biluo_tags_to_spans(reference, iob_to_biluo(tags)))
            examples.append(Example(Doc(self.nlp.vocab, words=words), reference))
        return examples


class BareSystem:
    """`BertForTokenClassification`, padded, as in `bare.py`; pieces are made off the clock."""

    def __init__(self, settings: dict[str, Any], *, is_bf16: bool) -> None:
        import torch
        from bare import collate, make_optimizer
        from bare_docs import bio_tags
        from transformers import AutoTokenizer

        torch.manual_seed(0)
        self.is_bf16 = is_bf16
        self.is_cuda = settings["device"] == "cuda"
        tokenizer = AutoTokenizer.from_pretrained(settings["checkpoint"])
        warm_up, timed = read_batches(settings)
        sentences = [sentence for batch in (*warm_up, *timed) for sentence in batch]
        tags = bio_tags(sorted({tag[2:] for _, row in sentences for tag in row if tag != "O"}))
        self.warm_up_batches, self.batches = (
            [
                collate(
                    make_texts(tokenizer, batch, tags),
                    pad_id=tokenizer.pad_token_id,
                    device=settings["device"],
                )
                for batch in batches
            ]
            for batches in (warm_up, timed)
        )
        self.model = make_classifier(settings["checkpoint"], n_tags=len(tags))
        self.model.to(settings["device"]).train()
        self.optimizer = make_optimizer(self.model, learn_rate=LEARN_RATE)

    def warm_up(self) -> None:
        """Updates that are not timed."""
        self._update(self.warm_up_batches)

    def run(self) -> float:
        """An update on every batch. RETURNS (float): Sum of the losses."""
        return self._update(self.batches)

    def _update(self, batches: list[Any]) -> float:
        from bare import update

        losses = [
            update(self.model, batch, self.optimizer, is_bf16=self.is_bf16) for batch in batches
        ]
        synchronize(self.is_cuda)
        return sum(float(loss) for loss in losses)


def make_classifier(checkpoint: str, *, n_tags: int) -> Any:
    """transformers' token classifier, with its loss where `bare.update` looks for it."""
    from transformers import BertForTokenClassification

    class Classifier(BertForTokenClassification):
        def loss(self, batch: Any) -> Any:
            return self(input_ids=batch.ids, attention_mask=batch.mask, labels=batch.tags).loss

    return Classifier.from_pretrained(
        checkpoint,
        num_labels=n_tags,
        hidden_dropout_prob=DROPOUT,
        attention_probs_dropout_prob=DROPOUT,
    )


def make_texts(tokenizer: Any, batch: Any, tags: list[str]) -> list[Any]:
    """Pieces of each sentence, a tag on the first piece of each word."""
    from bare import MAX_PIECES, Text
    from bare_docs import first_pieces

    encoded = tokenizer(
        [words for words, _ in batch],
        is_split_into_words=True,
        truncation=True,
        max_length=MAX_PIECES,
    )
    return [
        Text(
            encoded["input_ids"][row],
            first_pieces(encoded.word_ids(row), len(words)),
            [tags.index(name) for name in names],
            None,
            len(words),
        )
        for row, (words, names) in enumerate(batch)
    ]


def synchronize(is_cuda: bool) -> None:
    """Wait for the GPU: what was only queued is not done."""
    if is_cuda:
        import torch

        torch.cuda.synchronize()


def our_encoder(settings: dict[str, Any], *, precision: str) -> tuple[str, dict[str, Any]]:
    """`bert_transformer` over the checkpoint."""
    config: dict[str, Any] = {"model": {"name": settings["checkpoint"]}, "precision": precision}
    if settings["device"] == "cuda":
        config["model"]["batch_pieces"] = 16384
    return "bert_transformer", config


def bert_ner(settings: dict[str, Any], *, precision: str) -> PipelineSystem:
    """Our encoder, our head, our optimizer."""
    return PipelineSystem(
        settings,
        encoder=our_encoder(settings, precision=precision),
        head=("bert_ner", {}),
        optimizer="spacy-bert-plugin.AdamW.v1",
    )


def bert_ner_fp32(settings: dict[str, Any]) -> PipelineSystem:
    """In single precision."""
    return bert_ner(settings, precision="fp32")


def bert_ner_bf16(settings: dict[str, Any]) -> PipelineSystem:
    """In bf16."""
    return bert_ner(settings, precision="bf16")


def spacy_ner(settings: dict[str, Any], *, precision: str) -> PipelineSystem:
    """Our encoder and optimizer, spaCy's head."""
    return PipelineSystem(
        settings,
        encoder=our_encoder(settings, precision=precision),
        head=("ner", {"model": {**SPACY_NER, "tok2vec": OUR_LISTENER}}),
        optimizer="spacy-bert-plugin.AdamW.v1",
    )


def spacy_ner_fp32(settings: dict[str, Any]) -> PipelineSystem:
    """In single precision."""
    return spacy_ner(settings, precision="fp32")


def spacy_ner_bf16(settings: dict[str, Any]) -> PipelineSystem:
    """In bf16."""
    return spacy_ner(settings, precision="bf16")


def spacy_transformers(settings: dict[str, Any]) -> PipelineSystem:
    """spacy-transformers as its own quickstart configures it."""
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": settings["checkpoint"],
        "tokenizer_config": {"use_fast": True},
        "get_spans": {
            "@span_getters": "spacy-transformers.strided_spans.v1",
            "window": 128,
            "stride": 96,
        },
    }
    return PipelineSystem(
        settings,
        encoder=("transformer", {"model": model}),
        head=("ner", {"model": {**SPACY_NER, "tok2vec": THEIR_LISTENER}}),
        optimizer="Adam.v1",
    )


def bare_fp32(settings: dict[str, Any]) -> BareSystem:
    """In single precision."""
    return BareSystem(settings, is_bf16=False)


def bare_bf16(settings: dict[str, Any]) -> BareSystem:
    """With bf16 autocast."""
    return BareSystem(settings, is_bf16=True)
