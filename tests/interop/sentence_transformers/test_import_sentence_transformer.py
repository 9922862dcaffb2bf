"""Folders as sentence-transformers saves them, made by hand: the library itself is not needed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer
from typer.testing import CliRunner

from spacy_bert_plugin.cli.main import app
from spacy_bert_plugin.errors import CheckpointError
from spacy_bert_plugin.interop.sentence_transformers import import_sentence_transformer, read_source

TEXTS = ["play some music", "book a table in london", "is the weather good ?"]
OLD, NEW = "sentence_transformers.models.", "sentence_transformers.base.modules.x."
MakeFolder = Callable[..., Path]


@pytest.fixture
def make_folder(tiny_checkpoint: Path, tmp_path: Path) -> MakeFolder:
    def make(
        *names: str,
        pooling: dict[str, Any] | None = None,
        dense: dict[str, Any] | None = None,
        prefix: str = OLD,
        **files: dict[str, Any],
    ) -> Path:
        path = tmp_path / "source"
        shutil.copytree(tiny_checkpoint, path)
        folders = ["" if n == "Transformer" else f"{i}_{n}" for i, n in enumerate(names)]
        modules = [
            {"idx": i, "name": str(i), "path": folder, "type": prefix + name}
            for i, (name, folder) in enumerate(zip(names, folders, strict=True))
        ]
        for folder in folders:
            (path / folder).mkdir(exist_ok=True)
        contents: dict[str, Any] = {"modules": modules, **files}
        if names[1:2] == ("Pooling",):
            contents["1_Pooling/config"] = pooling or {"pooling_mode_mean_tokens": True}
        if dense is not None:
            contents["2_Dense/config"] = dense
            torch.manual_seed(1)
            weights = {"linear.weight": torch.randn(8, 32), "linear.bias": torch.randn(8)}
            save_file(weights, path / "2_Dense" / "model.safetensors")
        for name, content in contents.items():
            (path / f"{name}.json").write_text(json.dumps(content))
        return path

    return make


def run_reference(path: Path, pooling: str) -> torch.Tensor:
    """Pool what transformers gives, padded."""
    model = AutoModel.from_pretrained(path).eval()
    tokenizer = AutoTokenizer.from_pretrained(path)
    rows = []
    with torch.inference_mode():
        for text in TEXTS:
            ids = tokenizer._tokenizer.encode(text).ids
            states = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
            rows.append({"mean": states.mean(0), "cls": states[0], "max": states.amax(0)}[pooling])
    return torch.stack(rows)


DENSE = {
    "in_features": 32, "out_features": 8, "bias": True,
    "activation_function": "torch.nn.modules.activation.Tanh",
}  # fmt: skip


@pytest.mark.parametrize("prefix", [OLD, NEW])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_vectors_are_those_of_the_reference(
    make_folder: MakeFolder, tmp_path: Path, pooling: str, prefix: str
) -> None:
    old_name = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}[pooling]
    settings = {f"pooling_mode_{old_name}": True, "pooling_mode_weightedmean_tokens": False}
    given = settings if prefix == OLD else {"pooling_mode": pooling}
    source = make_folder("Transformer", "Pooling", "Normalize", pooling=given, prefix=prefix)
    report = import_sentence_transformer(source, tmp_path / "out")
    assert report.settings == {"pooling": pooling, "length one": "yes"}
    expected = torch.nn.functional.normalize(run_reference(source, pooling), dim=1).numpy()
    shutil.rmtree(source)  # the pipeline needs it no more
    nlp = spacy.load(tmp_path / "out")
    found = np.stack([doc._.embedding for doc in nlp.pipe(TEXTS)])
    assert np.abs(found - expected).max() < 1e-5
    one, two, _ = nlp.pipe(TEXTS)
    assert one.similarity(two) == pytest.approx(float(expected[0] @ expected[1]), abs=1e-5)


def test_a_dense_map_comes_along(make_folder: MakeFolder, tmp_path: Path) -> None:
    source = make_folder(
        "Transformer", "Pooling", "Dense", dense=DENSE, sentence_bert_config={"max_seq_length": 32}
    )
    runner = CliRunner().invoke(app, ["import", str(source), str(tmp_path / "out")])
    assert runner.exit_code == 0, runner.output
    assert "8 wide" in runner.output
    torch.manual_seed(1)
    weight, bias = torch.randn(8, 32), torch.randn(8)
    expected = torch.tanh(run_reference(source, "mean") @ weight.T + bias).numpy()
    nlp = spacy.load(tmp_path / "out")
    found = np.stack([doc._.embedding for doc in nlp.pipe(TEXTS)])
    assert np.abs(found - expected).max() < 1e-5
    assert nlp.config["components"]["transformer"]["model"]["max_pieces"] == 32


TP = ("Transformer", "Pooling")
MEAN = {"pooling_mode_mean_tokens": True}
REFUSED: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "another module": ((*TP, "LayerNorm"), {}, "LayerNorm"),
    "another order": (("Pooling", "Transformer"), {}, "Pooling, Transformer"),
    "none": ((), {}, "got none"),
    "two poolings": (TP, {"pooling": {**MEAN, "pooling_mode_cls_token": True}}, "mean, cls"),
    "another pooling": (TP, {"pooling": {"pooling_mode": "lasttoken"}}, "lasttoken"),
    "no pooling": (TP, {"pooling": {"pooling_mode_mean_tokens": False}}, "got none"),
    "lower-casing": (TP, {"sentence_bert_config": {"do_lower_case": True}}, "lower-cases"),
    "a prompt": (
        TP,
        {
            "config_sentence_transformers": {
                "default_prompt_name": "query", "prompts": {"query": "query: "},
            }
        },
        "prompt 'query: '",
    ),
    "an activation": (
        (*TP, "Dense"), {"dense": {**DENSE, "activation_function": "os.system"}}, "system",
    ),
    "a misshapen map": ((*TP, "Dense"), {"dense": {**DENSE, "out_features": 9}}, "linear.weight"),
    "a missing bias": ((*TP, "Dense"), {"dense": {**DENSE, "bias": False}}, "linear.bias"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_give_other_vectors_is_refused(
    make_folder: MakeFolder, tmp_path: Path, case: str
) -> None:
    names, settings, message = REFUSED[case]
    source = make_folder(*names, **settings)
    with pytest.raises(CheckpointError, match=message):
        import_sentence_transformer(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["../other", "/etc"])
def test_modules_outside_of_the_folder_are_refused(make_folder: MakeFolder, place: str) -> None:
    source = make_folder(*TP)
    modules = json.loads((source / "modules.json").read_text())
    modules[1]["path"] = place
    (source / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(CheckpointError, match="outside"):
        read_source(source)
