"""A folder of sentence-transformers becomes a pipeline with the same vectors.

    modules.json    Transformer    -> bert_transformer
                    Pooling        -> the listener of bert_embedder
                    Dense          -> dense_width, dense_activation; its weights
                    Normalize      -> normalize

What says how the folder is read is data to us: no name in it selects code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import spacy
from torch import Tensor

from ..checkpoints import load_checkpoint
from ..checkpoints.files import FolderFiles, open_folder
from ..checkpoints.json_text import parse_json
from ..checkpoints.shards import open_weights
from ..errors import CheckpointError, Errors
from ..layers import set_checkpoint
from ..layers.head import get_head_shim
from .folders import check_new, write_new

MODULES = "modules.json"
ENCODER_NAME = "transformer"
EMBEDDER_NAME = "embedder"
ORDERS = (
    ("Transformer", "Pooling"),
    ("Transformer", "Pooling", "Normalize"),
    ("Transformer", "Pooling", "Dense"),
    ("Transformer", "Pooling", "Dense", "Normalize"),
)
# What each way of pooling is called, in files of now and of before.
POOLINGS = MappingProxyType({"mean": "pieces", "cls": "cls", "max": "max"})
OLD_POOLINGS = MappingProxyType(
    {
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_cls_token": "cls",
        "pooling_mode_max_tokens": "max",
    }
)
OLD_PREFIX = "pooling_mode_"
ACTIVATIONS = MappingProxyType(
    {"Tanh": "tanh", "ReLU": "relu", "GELU": "gelu", "SiLU": "silu", "Identity": "none"}
)
LONGEST = 1_000_000  # of a tokenizer that says that it has no limit


@dataclass
class EmbedderReport:
    """What was made of a folder.

    settings: What was found out, by name.
    notes: What to look at.
    """

    settings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class EmbedderSource:
    """What a folder says.

    folder: Of the checkpoint.
    pooling: One of POOLINGS.
    dense: Settings of the linear map, and its weights.
    max_pieces: Longest window.
    """

    folder: Path
    pooling: str
    normalize: bool
    max_pieces: int | None
    dense: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)


def is_sentence_transformer(source: str | Path) -> bool:
    """Whether this is a folder that sentence-transformers has saved."""
    return (Path(source) / MODULES).is_file()


def import_sentence_transformer(
    source: str | Path, out: Path, *, lang: str = "en"
) -> EmbedderReport:
    """Make a pipeline with a bert_embedder of a folder, and save it.

    source (str | Path): The folder.
    out (Path): Folder to write; it may not exist yet, or is empty.
    lang (str): Language of the pipeline.
    RETURNS (EmbedderReport): What was made.
    RAISES (CheckpointError): A module cannot be imported with the same vectors. Nothing has been
        written.
    """
    check_new(out)
    found = read_source(Path(source))
    checkpoint = load_checkpoint(found.folder)
    longest = checkpoint.encoder.config.max_pieces
    max_pieces = None if (found.max_pieces or longest) >= longest else found.max_pieces
    nlp = spacy.blank(lang)
    nlp.meta["description"] = f"Made from the sentence-transformers model {source}."
    model = {"name": str(found.folder), "max_pieces": max_pieces}
    pipe: Any = nlp.add_pipe("bert_transformer", name=ENCODER_NAME, config={"model": model})
    set_checkpoint(pipe.model, checkpoint)
    tok2vec = {
        "@architectures": "spacy-bert-plugin.BertPooledListener.v1",
        "upstream": ENCODER_NAME,
        "pooling": POOLINGS[found.pooling],
    }
    head = {"tok2vec": tok2vec, "normalize": found.normalize, **found.dense}
    embedder: Any = nlp.add_pipe("bert_embedder", name=EMBEDDER_NAME, config={"model": head})
    module = get_head_shim(embedder.model).set_sizes(width=checkpoint.encoder.config.width)
    module.load_state_dict(found.weights)
    with write_new(out) as staged:
        nlp.to_disk(staged)
    report = EmbedderReport(
        {"pooling": found.pooling, "length one": "yes" if found.normalize else "no"}
    )
    if found.dense:
        report.settings["dense"] = f"{found.dense['dense_width']} wide"
    if max_pieces is not None:
        report.settings["max_pieces"] = str(max_pieces)
        report.notes.append(
            f"Texts of more than {max_pieces} pieces are read whole, in several windows, where "
            "sentence-transformers cuts them off."
        )
    return report


def read_source(path: Path) -> EmbedderSource:
    """Read the settings and the weights of a folder.

    RAISES (CheckpointError): A module or a setting of it is unknown.
    """
    files = open_folder(path)
    listed = parse_json(f'{{"modules": {files.read_text(MODULES)}}}', source=files.where(MODULES))
    modules = listed["modules"] if isinstance(listed["modules"], list) else []
    entries = [entry if isinstance(entry, Mapping) else {} for entry in modules]
    names = tuple(str(entry.get("type", ""))[:80].rsplit(".", 1)[-1] for entry in entries)
    if names not in ORDERS:
        expected = "; ".join(", ".join(order) for order in ORDERS)
        got = ", ".join(names) or "none"
        raise CheckpointError(Errors.SB899.format(path=path, expected=expected, got=got))
    folders = {
        name: _find_folder(path, str(entry.get("path", "")))
        for name, entry in zip(names, entries, strict=True)
    }
    _check_prompts(path)
    found = EmbedderSource(
        folders["Transformer"],
        _read_pooling(folders["Pooling"]),
        "Normalize" in names,
        _read_length(folders["Transformer"]),
    )
    if "Dense" in names:
        found.dense, found.weights = _read_dense(folders["Dense"])
    return found


def _find_folder(path: Path, name: str) -> Path:
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts:
        problem = f"a module lies outside of the folder ({name[:80]})"
        raise CheckpointError(Errors.SB901.format(path=path / MODULES, problem=problem))
    return path.joinpath(*parts)


def _read_pooling(path: Path) -> str:
    settings = _read_json(path, "config.json")
    mode = settings.get("pooling_mode")
    chosen = [
        key for key, is_on in settings.items() if key.startswith(OLD_PREFIX) and is_on is True
    ]
    names = [mode] if isinstance(mode, str) else [OLD_POOLINGS.get(key, key) for key in chosen]
    if isinstance(mode, list):
        names = mode
    if len(names) != 1 or names[0] not in POOLINGS:
        expected, got = ", ".join(POOLINGS), ", ".join(str(name)[:80] for name in names) or "none"
        raise CheckpointError(
            Errors.SB900.format(path=path / "config.json", expected=expected, got=got)
        )
    return str(names[0])


def _is_mode(key: str) -> bool:
    return key.startswith(OLD_PREFIX)


def _read_length(path: Path) -> int | None:
    """Find the longest window, special pieces included, that the model was made for."""
    settings = _read_json(path, "sentence_bert_config.json")
    if settings.get("do_lower_case"):
        problem = "it lower-cases texts before they are tokenised"
        where = path / "sentence_bert_config.json"
        raise CheckpointError(Errors.SB901.format(path=where, problem=problem))
    length = settings.get("max_seq_length")
    if length is None:
        length = _read_json(path, "tokenizer_config.json").get("model_max_length")
    is_length = isinstance(length, int) and not isinstance(length, bool) and 0 < length < LONGEST
    return length if is_length else None


def _check_prompts(path: Path) -> None:
    """RAISES (CheckpointError): A text is put before every other, which we would not do."""
    where = "config_sentence_transformers.json"
    settings = _read_json(path, where)
    name = settings.get("default_prompt_name")
    prompts = settings.get("prompts")
    if name is not None and isinstance(prompts, dict) and prompts.get(name):
        problem = f"it puts the prompt '{str(prompts[name])[:80]}' before every text"
        raise CheckpointError(Errors.SB901.format(path=path / where, problem=problem))


def _read_dense(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    settings = _read_json(path, "config.json")
    activation = str(settings.get("activation_function"))[:80].rsplit(".", 1)[-1]
    if activation not in ACTIVATIONS:
        problem = f"it has the activation {activation}, none of {', '.join(ACTIVATIONS)}"
        raise CheckpointError(Errors.SB901.format(path=path / "config.json", problem=problem))
    inputs = settings.get("module_input_name", "sentence_embedding")
    if inputs != "sentence_embedding" or settings.get("module_output_name", inputs) != inputs:
        problem = "its linear map is not over the vectors of texts"
        raise CheckpointError(Errors.SB901.format(path=path / "config.json", problem=problem))
    use_bias = settings.get("bias") is not False
    names = ["linear.bias", "linear.weight"] if use_bias else ["linear.weight"]
    with open_weights(open_folder(path)) as weights:
        if sorted(weights.entries) != names:
            got = ", ".join(sorted(weights.entries)[:6])
            raise CheckpointError(
                Errors.SB902.format(path=weights.source, expected=", ".join(names), got=got)
            )
        tensors = {name.replace("linear", "dense"): t for name, t in weights.read(names)}
    shape = settings.get("out_features"), settings.get("in_features")
    if tuple(tensors["dense.weight"].shape) != shape:
        expected, got = f"linear.weight {shape}", str(tuple(tensors["dense.weight"].shape))
        raise CheckpointError(Errors.SB902.format(path=path, expected=expected, got=got))
    dense = {
        "dense_width": len(tensors["dense.weight"]),
        "dense_activation": ACTIVATIONS[activation],
        "dense_bias": use_bias,
    }
    return dense, tensors


def _read_json(path: Path, name: str) -> dict[str, Any]:
    """Read a file of settings; an absent one says nothing."""
    files: FolderFiles = open_folder(path)
    return parse_json(files.read_text(name), source=files.where(name)) if name in files else {}
