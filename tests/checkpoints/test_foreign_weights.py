"""Old spellings, heads, shards: weights as other people write them."""

import shutil
from pathlib import Path

import pytest
import torch
from tiny_checkpoints import (
    WEIGHTS,
    edit_weights,
    is_equal,
    make_tokenizer,
    split_weights,
    write_index,
)

from spacy_bert_plugin.checkpoints import (
    load_checkpoint,
    save_checkpoint,
)
from spacy_bert_plugin.encoder import pack
from spacy_bert_plugin.errors import CheckpointError


def test_known_renames(hub_folder: Path) -> None:
    before = load_checkpoint(hub_folder)

    def rename(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            old = name.replace("LayerNorm.weight", "LayerNorm.gamma")
            old = old.replace("LayerNorm.bias", "LayerNorm.beta")
            tensors[f"bert.{old}"] = tensors.pop(name)
        tensors["bert.embeddings.position_ids"] = torch.arange(16)[None]
        tensors["cls.predictions.bias"] = torch.zeros(60)
        tensors["cls.seq_relationship.weight"] = torch.zeros(2, 8)

    edit_weights(hub_folder, rename)
    assert is_equal(load_checkpoint(hub_folder), before)


def test_no_pooler_in_the_file(hub_folder: Path, tmp_path: Path) -> None:
    def remove(tensors: dict[str, torch.Tensor]) -> None:
        del tensors["pooler.dense.weight"], tensors["pooler.dense.bias"]

    edit_weights(hub_folder, remove)
    loaded = load_checkpoint(hub_folder)
    assert not loaded.encoder.config.use_pooler
    assert loaded.config.encoder == loaded.encoder.config
    save_checkpoint(loaded, tmp_path / "again")
    assert is_equal(load_checkpoint(tmp_path / "again", is_own=True), loaded)


def test_heads_and_prefixes_of_the_reference(tmp_path: Path) -> None:
    from transformers import RobertaConfig, RobertaForMaskedLM

    config = RobertaConfig(
        vocab_size=8,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=18,
        type_vocab_size=1,
    )
    torch.manual_seed(0)
    model = RobertaForMaskedLM(config).eval()
    model.save_pretrained(tmp_path / "a")
    (tmp_path / "a" / "tokenizer.json").write_text(make_tokenizer("roberta").json)
    loaded = load_checkpoint(tmp_path / "a")
    assert not loaded.encoder.config.use_pooler
    with torch.no_grad():
        expected = model.roberta(torch.tensor([[0, 4, 6, 2]])).last_hidden_state[0]
        found = loaded.encoder(pack([[0, 4, 6, 2]])).last
    assert torch.allclose(found, expected, atol=1e-5)


def test_shards(hub_folder: Path) -> None:
    before = load_checkpoint(hub_folder)
    places = split_weights(hub_folder)
    assert len(set(places.values())) == 3
    assert is_equal(load_checkpoint(hub_folder), before)


SHARD = "model-00001-of-00003.safetensors"


@pytest.mark.parametrize(
    "place",
    [
        "../secret.safetensors",
        "/tmp/x.safetensors",
        "a/b.safetensors",
        "a\\b.safetensors",
        "x\x00",
        "..",
        "",
        ".safetensors",
        "pytorch_model.bin",
        3,
        None,
        ["x"],
        "s" * 300 + ".safetensors",
    ],
)
def test_shards_stay_in_the_folder(hub_folder: Path, place: object) -> None:
    shutil.copy(hub_folder / WEIGHTS, hub_folder.parent / "secret.safetensors")
    places: dict[str, object] = dict(split_weights(hub_folder))
    places[next(iter(places))] = place
    write_index(hub_folder, places)
    with pytest.raises(CheckpointError, match=r"index\.json"):
        load_checkpoint(hub_folder)


@pytest.mark.parametrize("places", [{}, None, [], "model.safetensors"])
def test_index_without_a_map(hub_folder: Path, places: object) -> None:
    split_weights(hub_folder)
    write_index(hub_folder, places)
    with pytest.raises(CheckpointError, match="weight_map"):
        load_checkpoint(hub_folder)


def test_shards_that_do_not_fit_the_index(hub_folder: Path) -> None:
    places = split_weights(hub_folder)
    first = next(name for name, place in places.items() if place == SHARD)
    write_index(hub_folder, {**places, "more.weight": SHARD})
    with pytest.raises(CheckpointError, match=r"more\.weight"):
        load_checkpoint(hub_folder)
    write_index(hub_folder, {name: p for name, p in places.items() if name != first})
    with pytest.raises(CheckpointError, match=first):
        load_checkpoint(hub_folder)
    write_index(hub_folder, places)
    (hub_folder / SHARD).unlink()
    with pytest.raises(CheckpointError, match=f"'{SHARD}' is missing"):
        load_checkpoint(hub_folder)
