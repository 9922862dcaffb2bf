"""What is loaded is what was saved, for us and for transformers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_checkpoints import WEIGHTS, edit_weights, is_equal, make_checkpoint

from spacy_bert_plugin.checkpoints import (
    LoadedCheckpoint,
    checkpoint_from_bytes,
    checkpoint_to_bytes,
    load_checkpoint,
    save_checkpoint,
)
from spacy_bert_plugin.checkpoints.families import FAMILIES
from spacy_bert_plugin.encoder import pack


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_and_loaded_again(tmp_path: Path, family: str) -> None:
    before = make_checkpoint(family, seed=1)
    save_checkpoint(before, tmp_path / "a")
    torch.manual_seed(2)  # a checkpoint whose weights were not applied would differ
    after = load_checkpoint(tmp_path / "a", is_own=True)
    assert is_equal(before, after)
    assert after.config == before.config
    assert after.encoder.config == before.encoder.config
    assert after.tokenizer.json == before.tokenizer.json
    assert not is_equal(after, make_checkpoint(family, seed=2))
    save_checkpoint(after, tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("family", FAMILIES)
def test_transformers_opens_the_folder(tmp_path: Path, family: str) -> None:
    from transformers import AutoModel, AutoTokenizer

    checkpoint = make_checkpoint(family)
    save_checkpoint(checkpoint, tmp_path / "a")
    model, info = AutoModel.from_pretrained(tmp_path / "a", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "a")
    text = "ab ab" if "roberta" in family or family == "camembert" else "the house."
    inputs = tokenizer(text, return_tensors="pt")
    pieces = checkpoint.tokenizer.encode([text])[0].ids.tolist()
    ids = [*checkpoint.tokenizer.prefix_ids, *pieces, *checkpoint.tokenizer.suffix_ids]
    assert inputs["input_ids"].tolist() == [ids]
    assert tokenizer.model_max_length == checkpoint.encoder.config.max_pieces
    with torch.no_grad():
        expected = model.eval()(**inputs).last_hidden_state[0]
        found = checkpoint.encoder(pack([ids])).last
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_bytes_and_back(family: str) -> None:
    before = make_checkpoint(family)
    after = checkpoint_from_bytes(checkpoint_to_bytes(before))
    assert is_equal(before, after)
    assert (after.config, after.tokenizer.json) == (before.config, before.tokenizer.json)


def test_a_copy_has_weights_of_its_own(checkpoint: LoadedCheckpoint) -> None:
    copied = checkpoint.copy()
    assert is_equal(copied, checkpoint)
    assert copied.tokenizer is checkpoint.tokenizer
    with torch.no_grad():
        next(iter(copied.encoder.parameters())).zero_()
    assert not is_equal(copied, checkpoint)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_as_float32(hub_folder: Path, dtype: torch.dtype) -> None:
    full = load_file(hub_folder / WEIGHTS)
    edit_weights(hub_folder, lambda t: t.update({k: v.to(dtype) for k, v in t.items()}))
    state = load_checkpoint(hub_folder).encoder.state_dict()
    rounded = full["embeddings.word_embeddings.weight"].to(dtype).float()
    assert torch.equal(state["embeddings.pieces.weight"], rounded)


def test_half_precision_is_saved_as_float32(tmp_path: Path) -> None:
    checkpoint = make_checkpoint()
    for parameter in checkpoint.encoder.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)
    save_checkpoint(checkpoint, tmp_path / "a")
    assert {t.dtype for t in load_file(tmp_path / "a" / WEIGHTS).values()} == {torch.float32}


def test_loaded_encoders_can_be_trained_and_run(own_folder: Path) -> None:
    encoder = load_checkpoint(own_folder, is_own=True).encoder
    assert isinstance(encoder, torch.nn.Module)
    assert not encoder.training
    assert all(p.requires_grad and p.device.type == "cpu" for p in encoder.parameters())
    encoder(pack([[2, 7, 3], []])).last.sum().backward()
    assert all(p.grad is not None for n, p in encoder.named_parameters() if "pooler" not in n)


def test_weights_stay_when_the_file_is_cut_off_later(own_folder: Path) -> None:
    loaded = load_checkpoint(own_folder, is_own=True)
    os.truncate(own_folder / WEIGHTS, 0)  # a mapped file would kill the process here
    assert loaded.encoder(pack([[2, 3]])).last.isfinite().all()


def test_loading_needs_neither_transformers_nor_a_network(own_folder: Path) -> None:
    program = (
        "import socket, sys\nfrom pathlib import Path\n"
        "def refuse(*args, **kwargs):\n    raise SystemExit('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from spacy_bert_plugin.checkpoints import load_checkpoint, resolve_checkpoint\n"
        "load_checkpoint(resolve_checkpoint(sys.argv[1]), is_own=True)\n"
        "names = ('transformers', 'huggingface_hub', 'torch._dynamo')\n"
        "print([name for name in names if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(own_folder)],
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.decode().strip() == "[]"
