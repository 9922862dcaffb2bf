"""Loading, saving and building: what comes back is what was there, or an error says why."""

import builtins
import copy
import errno
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tiny_checkpoints import SIZES, is_equal, make_checkpoint, make_tokenizer

from spacy_bert_plugin.checkpoints import (
    LoadedCheckpoint,
    build_checkpoint,
    checkpoint_from_bytes,
    checkpoint_to_bytes,
    load_checkpoint,
    save_checkpoint,
)
from spacy_bert_plugin.checkpoints import checkpoint as checkpoint_module
from spacy_bert_plugin.checkpoints.families import FAMILIES
from spacy_bert_plugin.encoder import EncoderConfig, pack
from spacy_bert_plugin.errors import CheckpointError, CheckpointNotFoundError, SettingError

WEIGHTS = "model.safetensors"


def edit_weights(folder: Path, edit: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# What was saved comes back


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
    checkpoint.encoder.to(torch.bfloat16)
    save_checkpoint(checkpoint, tmp_path / "a")
    assert {t.dtype for t in load_file(tmp_path / "a" / WEIGHTS).values()} == {torch.float32}


def test_loaded_encoders_can_be_trained_and_run(own_folder: Path) -> None:
    encoder = load_checkpoint(own_folder, is_own=True).encoder
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


# Old spellings and other people's files


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
    places = split(hub_folder)
    assert len(set(places.values())) == 3
    assert is_equal(load_checkpoint(hub_folder), before)


def split(folder: Path) -> dict[str, str]:
    """Write the weights as three shards with an index."""
    tensors = load_file(folder / WEIGHTS)
    places = {n: f"model-{i % 3 + 1:05}-of-00003.safetensors" for i, n in enumerate(tensors)}
    for place in set(places.values()):
        part = {name: tensor for name, tensor in tensors.items() if places[name] == place}
        save_file(part, folder / place)
    (folder / WEIGHTS).unlink()
    write_index(folder, places)
    return places


def write_index(folder: Path, places: Any) -> None:
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


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
    places: dict[str, object] = dict(split(hub_folder))
    places[next(iter(places))] = place
    write_index(hub_folder, places)
    with pytest.raises(CheckpointError, match=r"index\.json"):
        load_checkpoint(hub_folder)


@pytest.mark.parametrize("places", [{}, None, [], "model.safetensors"])
def test_index_without_a_map(hub_folder: Path, places: object) -> None:
    split(hub_folder)
    write_index(hub_folder, places)
    with pytest.raises(CheckpointError, match="weight_map"):
        load_checkpoint(hub_folder)


def test_shards_that_do_not_fit_the_index(hub_folder: Path) -> None:
    places = split(hub_folder)
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


# Files that are missing, damaged, or of another model


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json"])
@pytest.mark.parametrize("is_own", [False, True])
def test_missing_files(hub_folder: Path, own_folder: Path, name: str, is_own: bool) -> None:
    folder = own_folder if is_own else hub_folder
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        load_checkpoint(folder, is_own=is_own)


def test_missing_folder(tmp_path: Path) -> None:
    for is_own in (False, True):
        with pytest.raises(CheckpointNotFoundError, match="nothing-here"):
            load_checkpoint(tmp_path / "nothing-here", is_own=is_own)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="is a file"):
        load_checkpoint(tmp_path / "file")


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"'config\.json'; it has no files"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match=r"'manifest\.json'"):
        load_checkpoint(tmp_path, is_own=True)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("exploded",))


def test_pickled_weights_are_never_read(
    hub_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (hub_folder / WEIGHTS).unlink()
    torch.save({"weight": Bomb()}, hub_folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin.*save_pretrained"):
        load_checkpoint(hub_folder)
    shutil.copy(hub_folder / "pytorch_model.bin", hub_folder / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"model\.safetensors.*header"):
        load_checkpoint(hub_folder)
    assert not (tmp_path / "exploded").exists()


def rename_one(tensors: dict[str, torch.Tensor]) -> None:
    tensors["encoder.layer.0.output.dens.bias"] = tensors.pop("encoder.layer.0.output.dense.bias")


EDITS: dict[str, tuple[Callable[[dict[str, torch.Tensor]], Any], str]] = {
    "missing": (
        lambda t: t.pop("encoder.layer.1.output.dense.bias"),
        r"lacks.*1\.output\.dense\.bias",
    ),
    "half a pooler": (lambda t: t.pop("pooler.dense.bias"), r"lacks.*pooler\.dense\.bias"),
    "all": (lambda t: t.clear(), "lacks"),
    "renamed": (rename_one, r"encoder\.layer\.0\.output\.dens\.bias"),
    "extra": (lambda t: t.update(x=torch.ones(1)), "does not have: x"),
    "extra layer": (
        lambda t: t.update({"encoder.layer.2.output.dense.bias": torch.ones(8)}),
        r"does not have: encoder\.layer\.2\.output\.dense\.bias",
    ),
    "twice": (
        lambda t: t.update({"bert.pooler.dense.bias": torch.ones(8)}),
        r"does not have:.*pooler\.dense\.bias",
    ),
    "shape": (
        lambda t: t.update({"pooler.dense.bias": torch.ones(9)}),
        r"pooler\.dense\.bias \(expected \(8,\), got \(9,\)\)",
    ),
    "turned": (
        lambda t: t.update(
            {"encoder.layer.0.output.dense.weight": torch.ones(12, 8)},
        ),
        r"output\.dense\.weight \(expected \(8, 12\), got \(12, 8\)\)",
    ),
    "type": (
        lambda t: t.update({"pooler.dense.bias": torch.ones(8, dtype=torch.int64)}),
        r"'pooler\.dense\.bias' has the type I64",
    ),
    "NaN": (
        lambda t: t.update({"pooler.dense.bias": torch.full((8,), float("nan"))}),
        r"'pooler\.dense\.bias' holds NaN",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_weights_that_do_not_fit(hub_folder: Path, name: str) -> None:
    edit, problem = EDITS[name]
    edit_weights(hub_folder, edit)
    with pytest.raises(CheckpointError, match=rf"model\.safetensors.*{problem}"):
        load_checkpoint(hub_folder)


def test_many_missing_tensors_are_counted(hub_folder: Path) -> None:
    edit_config(hub_folder, num_hidden_layers=9)
    with pytest.raises(CheckpointError, match=r"encoder\.layer\.2.* and 104 more"):
        load_checkpoint(hub_folder)


def test_huge_sizes_take_no_memory(hub_folder: Path) -> None:
    edit_config(hub_folder, hidden_size=32768, intermediate_size=65536)
    with pytest.raises(CheckpointError, match=r"expected .*32768"):
        load_checkpoint(hub_folder)


@pytest.mark.parametrize(
    "name", ["config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json"]
)
@pytest.mark.parametrize("how", ["empty", "cut", "longer", "random", "html"])
def test_damaged_files_of_our_own(own_folder: Path, name: str, how: str) -> None:
    data = (own_folder / name).read_bytes()
    damaged = {
        "empty": b"",
        "cut": data[:-1],
        "longer": data + b" ",
        "random": bytes(reversed(data)),
        "html": b"<html>".ljust(len(data)),
    }[how]
    (own_folder / name).write_bytes(damaged)
    before = sorted(os.listdir(own_folder.parent))
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        load_checkpoint(own_folder, is_own=True)
    assert sorted(os.listdir(own_folder.parent)) == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_one_flipped_bit_anywhere(own_folder: Path, data: st.DataObject) -> None:
    names = [*sorted(path.name for path in own_folder.iterdir()), WEIGHTS]
    path = own_folder / data.draw(st.sampled_from(names))
    before = path.read_bytes()
    changed = bytearray(before)
    changed[data.draw(st.integers(0, len(before) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(changed)
    try:
        with pytest.raises(CheckpointError, match=path.name) as raised:
            load_checkpoint(own_folder, is_own=True)
        assert path.name == "manifest.json" or "SHA-256" in str(raised.value)
    finally:
        path.write_bytes(before)


@settings(max_examples=60)
@given(data=st.data())
def test_one_flipped_bit_in_bytes(data: st.DataObject) -> None:
    changed = bytearray(BYTES)
    changed[data.draw(st.integers(0, len(BYTES) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CheckpointError):
        checkpoint_from_bytes(bytes(changed))


BYTES = checkpoint_to_bytes(make_checkpoint())


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc0", b"\x80", b"\x81\xa1a\x01", b"\xa3abc", BYTES[:-1], BYTES + b"\0", BYTES[1:]],
)
def test_other_bytes(data: bytes) -> None:
    with pytest.raises(CheckpointError):
        checkpoint_from_bytes(data)


def test_extra_files_in_our_own_folder(own_folder: Path) -> None:
    (own_folder / ".DS_Store").write_text("")  # systems leave such files; they are never read
    load_checkpoint(own_folder, is_own=True)
    (own_folder / "pytorch_model.bin").write_text("")
    with pytest.raises(CheckpointError, match=r"'pytorch_model\.bin' does not belong"):
        load_checkpoint(own_folder, is_own=True)


def test_our_own_folder_without_its_manifest(hub_folder: Path) -> None:
    load_checkpoint(hub_folder)
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        load_checkpoint(hub_folder, is_own=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("name", ["config.json", WEIGHTS])
def test_pipes_are_not_waited_for(hub_folder: Path, name: str) -> None:
    (hub_folder / name).unlink()
    os.mkfifo(hub_folder / name)
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(hub_folder)


def test_links_to_files_are_followed(hub_folder: Path, tmp_path: Path) -> None:
    shutil.move(hub_folder / WEIGHTS, tmp_path / "blob")
    (hub_folder / WEIGHTS).symlink_to(tmp_path / "blob")
    load_checkpoint(hub_folder)
    (tmp_path / "blob").unlink()
    with pytest.raises(CheckpointError, match=WEIGHTS):
        load_checkpoint(hub_folder)


def test_files_that_may_not_be_read(hub_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Any, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(builtins, "open", refuse)
    with pytest.raises(CheckpointError, match=r"config\.json.*Permission denied"):
        load_checkpoint(hub_folder)


def test_config_that_is_too_large(hub_folder: Path) -> None:
    (hub_folder / "config.json").write_text(" " * 5_000_000)
    with pytest.raises(CheckpointError, match=r"config\.json.*5000000"):
        load_checkpoint(hub_folder)


# Saving


def test_weights_that_are_not_finite_are_not_saved(own_folder: Path) -> None:
    loaded = load_checkpoint(own_folder, is_own=True)
    before = {path.name: path.read_bytes() for path in own_folder.iterdir()}
    broken = loaded.copy()
    with torch.no_grad():
        broken.encoder.pooler.bias[3] = float("nan")
    with pytest.raises(CheckpointError, match=r"'pooler\.dense\.bias'.*NaN"):
        save_checkpoint(broken, own_folder)
    with pytest.raises(CheckpointError, match=r"'pooler\.dense\.bias'.*NaN"):
        checkpoint_to_bytes(broken)
    assert {path.name: path.read_bytes() for path in own_folder.iterdir()} == before


@pytest.mark.parametrize("lasts", [False, True])
def test_whichever_call_fails_one_model_loads(tmp_path: Path, lasts: bool) -> None:
    old, new = make_checkpoint(seed=1), make_checkpoint(seed=2)
    for n in itertools.count(1):
        target = tmp_path / str(n)
        save_checkpoint(old, target)
        calls = [0]

        def fail(function: Callable[..., Any], calls: list[int] = calls, n: int = n) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                calls[0] += 1
                if calls[0] == n or (lasts and calls[0] > n):
                    raise OSError(errno.EIO, "Input/output error")
                return function(*args, **kwargs)

            return call

        with pytest.MonkeyPatch.context() as patch:
            for owner, name in ((os, "replace"), (os, "fsync"), (builtins, "open")):
                patch.setattr(owner, name, fail(getattr(owner, name)))
            try:
                save_checkpoint(new, target)
            except CheckpointError:
                failed = True
            else:
                failed = False
        loaded = load_checkpoint(target, is_own=True)
        assert is_equal(loaded, old) or is_equal(loaded, new)
        assert failed or is_equal(loaded, new)
        if calls[0] < n:
            break
    assert n > 8


def test_a_model_saved_while_it_is_read(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of two models are never mixed: the reader notices and reads the new one."""
    new = make_checkpoint(seed=5)
    read_config = checkpoint_module.parse_config
    saved = []

    def save_meanwhile(*args: Any, **kwargs: Any) -> Any:
        if not saved:
            saved.append(True)
            save_checkpoint(new, own_folder)
        return read_config(*args, **kwargs)

    monkeypatch.setattr(checkpoint_module, "parse_config", save_meanwhile)
    assert is_equal(load_checkpoint(own_folder, is_own=True), new)
    assert saved


# Building


def test_build_from_sizes() -> None:
    tokenizer = make_tokenizer()
    torch.manual_seed(3)
    built = build_checkpoint(SIZES, tokenizer)
    assert built.encoder.config.vocab_size == tokenizer.vocab_size
    assert built.encoder.config.use_pooler
    torch.manual_seed(3)
    assert is_equal(built, build_checkpoint(built.encoder.config, tokenizer))
    assert not is_equal(built, build_checkpoint(built.encoder.config, tokenizer))
    assert copy.deepcopy(built.config) == built.config


def test_build_with_a_tokenizer_that_does_not_fit() -> None:
    tokenizer = make_tokenizer()
    with pytest.raises(CheckpointError, match="ids up to"):
        build_checkpoint({**SIZES, "vocab_size": tokenizer.vocab_size - 1}, tokenizer)
    with pytest.raises(SettingError, match="'width'"):
        build_checkpoint({**SIZES, "width": 0}, tokenizer)
    with pytest.raises(SettingError, match="position_offset"):
        build_checkpoint(SIZES, tokenizer, family="roberta")


def test_build_takes_a_config() -> None:
    sizes = EncoderConfig(
        vocab_size=100,
        width=4,
        n_layers=1,
        n_heads=1,
        hidden_width=4,
        n_positions=8,
        n_segments=1,
        embedding_width=4,
        activation="gelu_tanh",
        use_pooler=False,
    )
    built = build_checkpoint(sizes, make_tokenizer())
    assert built.encoder.config == sizes
    assert checkpoint_from_bytes(checkpoint_to_bytes(built)).encoder.config == sizes
