"""Architectures that transformers builds: same checks, nothing from a file chooses code."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import VOCAB_TXT, is_equal, make_tokenizer

from spacy_bert_plugin.checkpoints import (
    checkpoint_from_bytes,
    checkpoint_to_bytes,
    load_checkpoint,
    save_checkpoint,
)
from spacy_bert_plugin.encoder import pack
from spacy_bert_plugin.errors import CheckpointError

# Older releases of transformers compile when they are imported, which newer torch deplores.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
COMMON = {
    "vocab_size": len(VOCAB_TXT.split()),
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 16,
    "pad_token_id": 0,
}
MODELS: dict[str, dict[str, Any]] = {
    "modernbert": {
        "cls_token_id": 2,
        "sep_token_id": 3,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "local_attention": 8,
    },
    "deberta-v2": {
        "type_vocab_size": 0,
        "relative_attention": True,
        "max_relative_positions": -1,
        "position_buckets": 4,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
    },
    "albert": {"embedding_size": 6, "type_vocab_size": 2},
    "mpnet": {"type_vocab_size": 1, "pad_token_id": 0},
}
IDS = [2, 7, 9, 11, 3]


def save_reference(folder: Path, name: str, *, head: str = "AutoModel") -> Any:
    import transformers

    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(name, **{**COMMON, **MODELS[name]})
    model = getattr(transformers, head).from_config(config).eval()
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(make_tokenizer().json)
    return model


@pytest.fixture(params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def refuse_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("refuse_network")
def test_same_outputs_before_and_after_a_save(tmp_path: Path, name: str) -> None:
    from transformers import AutoModel

    reference = save_reference(tmp_path / "a", name)
    loaded = load_checkpoint(tmp_path / "a")
    assert loaded.config.family == "auto"
    with torch.no_grad():
        expected = reference(torch.tensor([IDS])).last_hidden_state[0]
        assert torch.allclose(loaded.encoder(pack([IDS])).last, expected, atol=1e-5)
    save_checkpoint(loaded, tmp_path / "b")
    torch.manual_seed(1)
    again = load_checkpoint(tmp_path / "b", is_own=True)
    assert is_equal(again, loaded)
    assert is_equal(checkpoint_from_bytes(checkpoint_to_bytes(loaded)), loaded)
    opened, info = AutoModel.from_pretrained(tmp_path / "b", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    with torch.no_grad():
        found = opened.eval()(torch.tensor([IDS])).last_hidden_state[0]
    assert torch.allclose(found, expected, atol=1e-6)


def test_heads_of_other_tasks_are_passed_over(tmp_path: Path, name: str) -> None:
    reference = save_reference(tmp_path, name, head="AutoModelForMaskedLM")
    loaded = load_checkpoint(tmp_path)
    assert not loaded.encoder.config.use_pooler
    base = getattr(reference, reference.base_model_prefix)
    with torch.no_grad():
        expected = base(torch.tensor([IDS])).last_hidden_state[0]
        assert torch.allclose(loaded.encoder(pack([IDS])).last, expected, atol=1e-5)


def test_weights_are_not_random(tmp_path: Path, name: str) -> None:
    save_reference(tmp_path, name)
    torch.manual_seed(5)
    one = load_checkpoint(tmp_path)
    torch.manual_seed(6)
    assert is_equal(load_checkpoint(tmp_path), one)
    assert all(p.isfinite().all() and not p.is_meta for p in one.encoder.parameters())


def edit(folder: Path, **tensors: torch.Tensor | None) -> None:
    found = load_file(folder / "model.safetensors")
    for key, tensor in tensors.items():
        hub = key.replace("__", ".")
        if tensor is None:
            del found[hub]
        else:
            found[hub] = tensor
    save_file(found, folder / "model.safetensors", metadata={"format": "pt"})


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    save_reference(tmp_path, "deberta-v2")
    key = "encoder__layer__0__output__LayerNorm__weight"
    norm = load_file(tmp_path / "model.safetensors")[key.replace("__", ".")]
    for tensor, problem in (
        (torch.ones(9), r"expected \(8,\), got \(9,\)"),
        (torch.full((8,), float("inf")), "NaN or infinite"),
        (torch.ones(8, dtype=torch.int32), "type I32"),
        (None, r"lacks.*output\.LayerNorm\.weight"),
    ):
        edit(tmp_path, **{key: tensor})
        with pytest.raises(CheckpointError, match=rf"model\.safetensors.*{problem}"):
            load_checkpoint(tmp_path)
        edit(tmp_path, **{key: norm})
    edit(tmp_path, strange__weight=torch.ones(1))
    with pytest.raises(CheckpointError, match=r"does not have: strange\.weight"):
        load_checkpoint(tmp_path)


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.usefixtures("refuse_network")
def test_nothing_in_a_config_is_run_or_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_reference(tmp_path, "modernbert")
    (tmp_path / "evil.py").write_text("raise SystemExit('run')\nclass Model: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = load_checkpoint(tmp_path)
    rewrite(
        tmp_path,
        auto_map={"AutoConfig": "evil.Model", "AutoModel": "evil.Model"},
        trust_remote_code=True,
        _attn_implementation="evil/kernel",
        _attn_implementation_internal="evil/kernel",
        attn_implementation="evil/kernel",
        kernel_config={"kernel_mapping": {"LayerNorm": "evil/kernel"}},
        use_kernels=True,
        quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True},
        custom_pipelines={"evil": {"impl": "evil.Model"}},
        architectures=["evil.Model"],
    )
    assert is_equal(load_checkpoint(tmp_path), before)
    assert "evil" not in sys.modules


@pytest.mark.parametrize("name", ["no-such-model", "detr", "vit", "clip", "os"])
def test_architectures_that_are_no_text_encoders(hub_folder: Path, name: str) -> None:
    rewrite(hub_folder, model_type=name)
    with pytest.raises(CheckpointError, match=rf"config\.json.*'{name}'"):
        load_checkpoint(hub_folder)


def test_encoders_with_a_decoder_are_refused(hub_folder: Path) -> None:
    sizes = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 60}
    (hub_folder / "config.json").write_text(json.dumps({"model_type": "t5", **sizes}))
    with pytest.raises(CheckpointError, match=r"config\.json.*is_encoder_decoder"):
        load_checkpoint(hub_folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_attention_heads": 3},
        {"hidden_size": 4096},
        {"num_hidden_layers": 90},
        {"hidden_activation": "no such function"},
    ],
)
def test_sizes_that_cannot_work(tmp_path: Path, changes: dict[str, object]) -> None:
    save_reference(tmp_path, "modernbert")
    rewrite(tmp_path, **changes)
    with pytest.raises(CheckpointError, match=str(tmp_path.name)):
        load_checkpoint(tmp_path)
