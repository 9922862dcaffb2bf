"""Fixtures of tiny checkpoints with a head."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hub_models import BIO, CATEGORIES, KINDS, OWN, SIZES, MakeHub, move_pad


@pytest.fixture
def make_hub(tmp_path: Path, tokenizer_json: str) -> MakeHub:
    """Make a folder with a model of one architecture and one head."""

    def make(
        model_type: str = "bert", kind: str = "tokens", labels: list[str] | None = None, **more: Any
    ) -> Path:
        import transformers

        vocab_size = len(json.loads(tokenizer_json)["model"]["vocab"])
        names = labels or (BIO if kind == "tokens" else CATEGORIES)
        config = transformers.AutoConfig.for_model(
            model_type,
            **{
                **SIZES,
                "vocab_size": vocab_size,
                "id2label": dict(enumerate(names)),
                "label2id": {name: i for i, name in enumerate(names)},
                **OWN[model_type],
                **more,
            },
        )
        torch.manual_seed(1)
        model = getattr(transformers, KINDS[kind]).from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():  # biases and norms too are worth a comparison
                parameter.add_(torch.randn_like(parameter) * 0.1)
        path = tmp_path / f"{model_type}-{kind}"
        model.eval().save_pretrained(path)
        text = move_pad(tokenizer_json) if model_type == "mpnet" else tokenizer_json
        (path / "tokenizer.json").write_text(text, encoding="utf8")
        return path

    return make
