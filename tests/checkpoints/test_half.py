"""Weights in half the space: what is rounded, what is not, and what a reader gets."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from tiny_checkpoints import VOCAB_TXT, make_tokenizer

from spacy_bert_plugin.checkpoints import (
    LoadedCheckpoint,
    checkpoint_from_bytes,
    checkpoint_to_bytes,
    load_checkpoint,
    save_checkpoint,
)
from spacy_bert_plugin.checkpoints.half import shrink_tensor

# Older releases of transformers compile when they are imported, which newer torch deplores.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
NAMES = {torch.float16: "F16", torch.bfloat16: "BF16"}
HALVES = list(NAMES)


@pytest.mark.parametrize("dtype", HALVES)
def test_matrices_shrink_and_vectors_do_not(dtype: torch.dtype) -> None:
    matrix, vector = torch.linspace(-2, 2, 12).view(3, 4), torch.linspace(-2, 2, 4)
    shrunk = shrink_tensor(matrix, dtype)
    assert shrunk.dtype == dtype
    assert torch.equal(shrunk, matrix.to(dtype))
    assert shrink_tensor(vector, dtype) is vector
    assert shrink_tensor(matrix.long(), dtype).dtype == torch.int64
    assert shrink_tensor(matrix, torch.float32) is matrix
    assert shrink_tensor(torch.zeros(0, 4), dtype).shape == (0, 4)


@pytest.mark.parametrize(
    ("row", "survives"),
    [
        ([1.0, 65504.0], True),
        ([1.0, 1e5], False),  # beyond the range of float16
        ([1.0, 1e-9], True),  # vanishes beside its neighbour
        ([3e-9, 1e-9], False),  # nothing would be left of the row
        ([0.0, 0.0], True),
    ],
)
def test_float16_only_where_every_row_survives(row: list[float], survives: bool) -> None:
    tensor = torch.tensor([[0.5, 0.25], row])
    assert (shrink_tensor(tensor, torch.float16).dtype == torch.float16) is survives
    assert shrink_tensor(tensor, torch.bfloat16).dtype == torch.bfloat16


@given(st.lists(st.floats(-(2.0**90), 2.0**90, width=32), min_size=1, max_size=6))
def test_bfloat16_keeps_every_row(row: list[float]) -> None:
    tensor = torch.tensor([row])
    shrunk = shrink_tensor(tensor, torch.bfloat16)
    if tensor.abs().max() == 0 or tensor.abs().max() > 1e-37:
        assert shrunk.dtype == torch.bfloat16
    assert (shrunk.float() - tensor).abs().max() <= tensor.abs().max() * 2**-8


@pytest.mark.parametrize("dtype", HALVES)
def test_a_checkpoint_in_half_loads_into_fp32(
    tiny_checkpoint: Path, tmp_path: Path, dtype: torch.dtype
) -> None:
    original = load_checkpoint(tiny_checkpoint)
    save_checkpoint(original, tmp_path / "full")
    save_checkpoint(replace(original, storage=dtype), tmp_path / "half")
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "full")]
    assert sizes[0] < 0.7 * sizes[1]  # the header takes much of so small a file
    with safe_open(str(tmp_path / "half" / "model.safetensors"), framework="pt") as file:
        parts = [file.get_slice(name) for name in file.offset_keys()]
    kinds = {(len(part.get_shape()), part.get_dtype()) for part in parts}
    assert kinds == {(1, "F32"), (2, NAMES[dtype])}
    loaded = load_checkpoint(tmp_path / "half", is_own=True)
    assert_rounded(loaded, original, dtype)


def test_bytes_are_stored_in_half_too(tiny_checkpoint: Path) -> None:
    original = load_checkpoint(tiny_checkpoint)
    half = checkpoint_to_bytes(replace(original, storage=torch.float16))
    assert len(half) < len(checkpoint_to_bytes(original))
    assert_rounded(checkpoint_from_bytes(half), original, torch.float16)


def test_what_is_loaded_or_copied_is_saved_in_full_again(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    half = replace(load_checkpoint(tiny_checkpoint), storage=torch.float16)
    save_checkpoint(half, tmp_path / "half")
    assert half.copy().storage == torch.float32
    loaded = load_checkpoint(tmp_path / "half", is_own=True)
    assert loaded.storage == torch.float32
    with torch.no_grad():  # a step of training, far below what float16 resolves
        loaded.encoder.get_parameter("layers.0.up.weight")[0, 0] = 1 + 2**-20
    save_checkpoint(loaded, tmp_path / "trained")
    again = load_checkpoint(tmp_path / "trained", is_own=True)
    assert again.encoder.get_parameter("layers.0.up.weight")[0, 0] == 1 + 2**-20


@pytest.mark.parametrize("dtype", HALVES)
def test_transformers_opens_it(tiny_checkpoint: Path, tmp_path: Path, dtype: torch.dtype) -> None:
    from transformers import AutoModel

    save_checkpoint(replace(load_checkpoint(tiny_checkpoint), storage=dtype), tmp_path / "half")
    ids = torch.arange(1, 9)[None]
    with torch.inference_mode():
        ours, theirs = (
            AutoModel.from_pretrained(path).eval()(ids).last_hidden_state.float()
            for path in (tmp_path / "half", tiny_checkpoint)
        )
    assert torch.nn.functional.cosine_similarity(ours, theirs, dim=-1).min() > 0.999
    assert not torch.equal(ours, theirs)


def test_models_of_transformers_are_stored_in_half_too(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 12}
    vocab = len(VOCAB_TXT.split())
    config = AutoConfig.for_model("albert", vocab_size=vocab, num_attention_heads=2, **sizes)
    AutoModel.from_config(config).save_pretrained(tmp_path / "albert")
    (tmp_path / "albert" / "tokenizer.json").write_text(make_tokenizer().json)
    original = load_checkpoint(tmp_path / "albert")
    save_checkpoint(replace(original, storage=torch.float16), tmp_path / "half")
    assert_rounded(load_checkpoint(tmp_path / "half", is_own=True), original, torch.float16)


def assert_rounded(
    loaded: LoadedCheckpoint, original: LoadedCheckpoint, dtype: torch.dtype
) -> None:
    state = loaded.encoder.state_dict()
    for name, tensor in original.encoder.state_dict().items():
        expected = tensor.to(dtype).float() if tensor.dim() > 1 else tensor
        assert state[name].dtype == torch.float32
        assert torch.equal(state[name], expected), name
