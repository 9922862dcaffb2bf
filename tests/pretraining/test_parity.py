"""Losses and gradients are those of transformers' BertForPreTraining; so is what is saved."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from spacy_bert_plugin.checkpoints.names import to_hub
from spacy_bert_plugin.pieces import PieceTokenizer
from spacy_bert_plugin.pretraining import MaskSettings, PairSettings
from spacy_bert_plugin.pretraining.batches import Collator, PretrainingBatch
from spacy_bert_plugin.pretraining.encoders import make_model, save_model
from spacy_bert_plugin.pretraining.frame import Frame
from spacy_bert_plugin.pretraining.model import PretrainingModel, sum_losses
from spacy_bert_plugin.pretraining.settings import EncoderChoice
from spacy_bert_plugin.pretraining.store import PieceStore
from spacy_bert_plugin.pretraining.windows import WindowPlanner

MakeStoreT = Callable[..., PieceStore]
CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture
def reference(tokenizer: PieceTokenizer, tmp_path: Path) -> torch.nn.Module:
    """A random BertForPreTraining in `tmp_path/reference`, as somebody else would have saved it."""
    from transformers import BertConfig, BertForPreTraining

    torch.manual_seed(1)
    model = BertForPreTraining(
        BertConfig(
            vocab_size=tokenizer.vocab_size, hidden_size=32, num_hidden_layers=2,
            num_attention_heads=4, intermediate_size=64, max_position_embeddings=64,
            initializer_range=0.2,
        )
    ).eval()  # fmt: skip
    for param in model.parameters():
        param.data += 0.05 * torch.randn_like(param)
    model.save_pretrained(tmp_path / "reference")
    (tmp_path / "reference" / "tokenizer.json").write_text(tokenizer.json, encoding="utf8")
    return model


@pytest.fixture
def batch(store_of: MakeStoreT, frame: Frame) -> PretrainingBatch:
    texts = [["play some music by the street", "it was good", "a long word"], ["rain in", "is bad"]]
    store = store_of(*texts, ["the house of the world", "find some light"])
    planner = WindowPlanner(store, frame, 24, PairSettings())
    rngs = [np.random.default_rng(seed) for seed in range(4)]
    windows = np.concatenate([planner.plan(p, rng) for p in range(3) for rng in rngs])
    made = Collator(store, frame, MaskSettings(rate=0.3), use_segments=True).collate(windows, key=9)
    assert set(made.follows.tolist()) >= {0, 1}
    assert made.n_hidden > 5
    return made


def pad(batch: PretrainingBatch) -> dict[str, torch.Tensor]:
    """The same batch as transformers takes it."""
    lengths = list(batch.packed.lengths)
    labels = torch.full_like(batch.packed.ids, -100)
    labels[batch.rows] = batch.targets
    parts = {
        "input_ids": batch.packed.ids,
        "token_type_ids": batch.packed.segments,
        "labels": labels,
    }
    padded = {
        name: torch.nn.utils.rnn.pad_sequence(
            list(part.split(lengths)), batch_first=True, padding_value=-100 * (name == "labels")
        )
        for name, part in parts.items()
    }
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones(n) for n in lengths], batch_first=True)
    return {**padded, "attention_mask": mask, "next_sentence_label": batch.follows}


def find_loss(model: PretrainingModel, batch: PretrainingBatch, **settings: object) -> torch.Tensor:
    losses = sum_losses(model.answer(batch, **settings), batch)  # type: ignore[arg-type]
    return losses.words / batch.n_hidden + losses.pairs / batch.n_pairs


def name_gradients(model: PretrainingModel) -> dict[str, torch.Tensor]:
    """Gradients under the names of BertForPreTraining."""
    grads = {name: param.grad for name, param in model.named_parameters()}
    assert all(grad is not None for grad in grads.values())
    encoder = [n.removeprefix("encoder.") for n in grads if n.startswith("encoder.")]
    named = {f"encoder.{ours}": f"bert.{hub}" for ours, hub in to_hub("bert", encoder).items()}
    transform = "cls.predictions.transform"
    named |= {f"words.dense.{p}": f"{transform}.dense.{p}" for p in ("weight", "bias")}
    named |= {f"words.norm.{p}": f"{transform}.LayerNorm.{p}" for p in ("weight", "bias")}
    named |= {"words.bias": "cls.predictions.bias"}
    named |= {f"pairs.output.{p}": f"cls.seq_relationship.{p}" for p in ("weight", "bias")}
    return {named[name]: grad for name, grad in grads.items() if grad is not None}


def test_losses_and_gradients(
    reference: torch.nn.Module, batch: PretrainingBatch, tmp_path: Path
) -> None:
    model = make_model(
        EncoderChoice(name=str(tmp_path / "reference")), use_words=True, use_pairs=True
    )
    expected = reference(**pad(batch)).loss
    found = find_loss(model, batch)
    torch.testing.assert_close(found, expected, **CLOSE)
    expected.backward()
    found.backward()
    grads = name_gradients(model)
    params = dict(reference.named_parameters())
    assert set(grads) == set(params)
    for name, param in params.items():
        torch.testing.assert_close(grads[name], param.grad, **CLOSE, msg=name)


def test_the_step_in_half_precision_is_near(
    reference: torch.nn.Module, batch: PretrainingBatch, tmp_path: Path
) -> None:
    choice = EncoderChoice(name=str(tmp_path / "reference"))
    model = make_model(choice, use_words=True, use_pairs=True)
    expected = reference(**pad(batch)).loss
    found = find_loss(model, batch, dtype=torch.bfloat16)
    assert found.item() == pytest.approx(expected.item(), rel=0.03)
    found.backward()
    expected.backward()
    grads = name_gradients(model)
    for name, param in reference.named_parameters():
        assert grads[name].dtype == torch.float32
        if float(param.grad.norm()) > 1e-3:  # the key biases have none but rounding errors
            cosine = torch.cosine_similarity(grads[name].flatten(), param.grad.flatten(), dim=0)
            assert float(cosine) > 0.97, name


def test_what_is_saved_opens_in_transformers(batch: PretrainingBatch, tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM, BertForPreTraining

    make_tokenizer(batch, tmp_path)
    sizes = {"width": 32, "n_layers": 2, "n_heads": 4, "n_positions": 64}
    torch.manual_seed(2)
    choice = EncoderChoice(tokenizer=str(tmp_path / "tokenizer.json"), sizes=sizes)
    model = make_model(choice, use_words=True, use_pairs=True)
    for _, param in model.named_parameters():
        param.data += 0.1 * torch.randn_like(param)
    save_model(model, tmp_path / "saved")
    opened = BertForPreTraining.from_pretrained(tmp_path / "saved").eval()
    torch.testing.assert_close(find_loss(model, batch), opened(**pad(batch)).loss, **CLOSE)
    inputs = pad(batch)
    del inputs["labels"], inputs["next_sentence_label"]
    alone = AutoModelForMaskedLM.from_pretrained(tmp_path / "saved").eval()
    logits = alone(**inputs).logits[inputs["attention_mask"].bool()]
    answers = model.answer(batch)
    torch.testing.assert_close(answers.words, logits[batch.rows], atol=1e-4, rtol=1e-4)
    again = make_model(EncoderChoice(name=str(tmp_path / "saved")), use_words=True, use_pairs=True)
    torch.testing.assert_close(again.answer(batch).words, answers.words)
    torch.testing.assert_close(again.answer(batch).pairs, answers.pairs)


def test_masked_words_alone_have_no_pooler(batch: PretrainingBatch, tmp_path: Path) -> None:
    make_tokenizer(batch, tmp_path)
    sizes = {"width": 32, "n_layers": 1, "n_heads": 4, "n_positions": 64}
    choice = EncoderChoice(tokenizer=str(tmp_path / "tokenizer.json"), sizes=sizes)
    model = make_model(choice, use_words=True, use_pairs=False)
    assert set(model.parts) == {"encoder", "words"}
    save_model(model, tmp_path / "saved")
    # A head that the checkpoint lacks is made, and the pooler that it needs.
    more = make_model(EncoderChoice(name=str(tmp_path / "saved")), use_words=True, use_pairs=True)
    torch.testing.assert_close(more.answer(batch).words, model.answer(batch).words)
    assert more.answer(batch).pairs is not None
    save_model(more, tmp_path / "more")
    kept = make_model(EncoderChoice(name=str(tmp_path / "more")), use_words=False, use_pairs=False)
    assert set(kept.parts) == {"encoder", "words", "pairs"}


def make_tokenizer(batch: PretrainingBatch, folder: Path) -> None:
    from tests.conftest import make_wordpiece_tokenizer

    (folder / "tokenizer.json").write_text(make_wordpiece_tokenizer().to_str(), encoding="utf8")
