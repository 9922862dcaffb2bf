"""Every architecture that is said to work: loaded, saved and opened by transformers again."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tiny_checkpoints import is_equal, make_tokenizer

from spacy_bert_plugin.checkpoints import load_checkpoint, save_checkpoint
from spacy_bert_plugin.checkpoints.auto_refused import REFUSED
from spacy_bert_plugin.encoder import pack
from spacy_bert_plugin.errors import CheckpointError
from tests.encoder.architectures import ARCHITECTURES, KNOWN, WARNINGS, build_model, make_config

pytestmark = [pytest.mark.filterwarnings(text) for text in WARNINGS]
WINDOWS = [[2, 7, 9, 11, 3], [2, 8, 8, 12, 45, 30, 3], [2, 5, 3]]
HEADS = ("AutoModelForMaskedLM", "AutoModelForTokenClassification",
         "AutoModelForSequenceClassification", "AutoModelForPreTraining")  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs/doors/encoders.md"


def save_reference(folder: Path, name: str, head: str = "AutoModel") -> Any:
    model = build_model(name, head=getattr(transformers, head))
    model.config.architectures = [type(model).__name__]
    model.save_pretrained(folder)
    tokenizer = make_tokenizer("roberta" if model.config.pad_token_id == 1 else "bert")
    (folder / "tokenizer.json").write_text(tokenizer.json, encoding="utf8")
    return model


def run(model: Any, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        last: torch.Tensor = model.eval()(torch.tensor([ids])).last_hidden_state[0]
    return last


@pytest.mark.parametrize("name", KNOWN)
def test_same_vectors_before_and_after_a_save(tmp_path: Path, name: str) -> None:
    save_reference(tmp_path / "a", name)
    loaded = load_checkpoint(tmp_path / "a")
    assert loaded.config.family == "auto"
    save_checkpoint(loaded, tmp_path / "b")
    again = load_checkpoint(tmp_path / "b", is_own=True)
    assert is_equal(again, loaded)
    opened, info = transformers.AutoModel.from_pretrained(tmp_path / "b", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    with torch.inference_mode():
        found = again.encoder(pack(WINDOWS)).last.split([len(ids) for ids in WINDOWS])
    for ids, vectors in zip(WINDOWS, found, strict=True):
        assert torch.allclose(vectors, run(opened, ids), atol=1e-5)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", KNOWN)
def test_heads_are_passed_over(tmp_path: Path, name: str, head: str) -> None:
    mapping = getattr(transformers, head)._model_mapping
    if type(make_config(name)) not in mapping:
        pytest.skip("transformers has no such head")
    model = save_reference(tmp_path, name, head)
    loaded = load_checkpoint(tmp_path)
    base = getattr(model, model.base_model_prefix)
    with torch.inference_mode():
        found = loaded.encoder(pack(WINDOWS[:1])).last
    assert torch.allclose(found, run(base, WINDOWS[0]), atol=1e-5)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_architectures_that_are_refused(tmp_path: Path, name: str) -> None:
    save_reference(tmp_path, "albert")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": name}))
    with pytest.raises(CheckpointError, match=rf"config\.json.*'{name}'.*{REFUSED[name]}"):
        load_checkpoint(tmp_path)


def test_the_table_of_the_docs_names_what_is_tested() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", DOCS.read_text(encoding="utf8"), re.M)
    own = {"bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert"}
    works = {name for name, rest in rows if "cannot" not in rest}
    assert works == own | set(ARCHITECTURES)
    assert {name for name, rest in rows if "cannot" in rest} == set(REFUSED)
