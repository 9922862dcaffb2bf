"""One system in a process of its own: make a small pipeline, put it through `check_component`.

    python benchmarks/fault_systems.py SYSTEM FOLDER OUTPUT [SECONDS]

The weights are random and made on the spot, the same for every system: two layers, width 32.
"""

from __future__ import annotations

import json
import os
import string
import sys
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from pipelines import DISTRIBUTIONS, OUR_LISTENER, SPACY_NER, THEIR_LISTENER, hide_others

OURS, MIXED = "ours", "ours with spaCy's heads"
TRF, CURATED = "spacy-transformers", "spacy-curated-transformers"
SYSTEMS = (OURS, MIXED, TRF, CURATED)
WIDTH, N_LAYERS, N_HEADS, HIDDEN, N_POSITIONS = 32, 2, 4, 64, 64
WORDS = "the a in of to and is play some music book table for two at rain good house paris london"
SPANS = {"window": 32, "stride": 24}
CURATED_LISTENER = {
    "@architectures": "spacy-curated-transformers.LastTransformerLayerListener.v1",
    "width": WIDTH,
    "pooling": {"@layers": "reduce_mean.v1"},
    "grad_factor": 1.0,
}
TEXTCAT = {
    "@architectures": "spacy.TextCatReduce.v1",
    "exclusive_classes": True,
    "use_reduce_first": False,
    "use_reduce_last": False,
    "use_reduce_max": False,
    "use_reduce_mean": True,
}


def make_checkpoint(folder: Path) -> str:
    """Write a random BERT with a tokenizer over letters and a few words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    chars = [*string.ascii_lowercase, *string.digits]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.punctuation, *chars]
    pieces += [*(f"##{char}" for char in chars), *(w for w in WORDS.split() if len(w) > 1)]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf8")
    torch.manual_seed(0)
    sizes = BertConfig(
        vocab_size=len(pieces),
        hidden_size=WIDTH,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=N_HEADS,
        intermediate_size=HIDDEN,
        max_position_embeddings=N_POSITIONS,
        initializer_range=0.2,
    )
    BertModel(sizes).save_pretrained(folder)
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=N_POSITIONS)
    tokenizer.save_pretrained(folder)
    return str(folder)


def build(system: str, checkpoint: str) -> Any:
    """Make a pipeline with categories and entities over an encoder, trained for a few steps."""
    import spacy
    from spacy.training import Example

    from spacy_bert_plugin.checks.texts import GOLD

    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    ADD[system](nlp, checkpoint)
    examples = [Example.from_dict(nlp.make_doc(text), gold) for text, gold in GOLD]
    sgd = nlp.initialize(lambda: examples)
    sgd.learn_rate = 0.002
    try:
        for _ in range(15):
            nlp.update(examples, sgd=sgd)
    except Exception as error:  # noqa: BLE001 (what does not need training can be checked all the same)
        print(f"{system} cannot be trained here: {error!r}", file=sys.stderr)
    return nlp


def add_ours(nlp: Any, checkpoint: str) -> None:
    """Our encoder, our heads."""
    nlp.add_pipe("bert_transformer", config={"model": {"name": checkpoint, "overlap": 8}})
    nlp.add_pipe("bert_textcat")
    nlp.add_pipe("bert_ner")


def add_mixed(nlp: Any, checkpoint: str) -> None:
    """Our encoder, spaCy's heads."""
    nlp.add_pipe("bert_transformer", config={"model": {"name": checkpoint, "overlap": 8}})
    add_spacy_heads(nlp, OUR_LISTENER)


def add_trf(nlp: Any, checkpoint: str) -> None:
    """The encoder of spacy-transformers, spaCy's heads."""
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": checkpoint,
        "tokenizer_config": {"use_fast": True},
        "get_spans": {"@span_getters": "spacy-transformers.strided_spans.v1", **SPANS},
    }
    nlp.add_pipe("transformer", config={"model": model})
    add_spacy_heads(nlp, THEIR_LISTENER)


def add_curated(nlp: Any, checkpoint: str) -> None:
    """The encoder of spacy-curated-transformers, spaCy's heads."""
    n_pieces = len((Path(checkpoint) / "vocab.txt").read_text(encoding="utf8").split())
    prefix = "spacy-curated-transformers."
    model = {
        "@architectures": f"{prefix}BertTransformer.v1",
        "vocab_size": n_pieces,
        "hidden_width": WIDTH,
        "intermediate_width": HIDDEN,
        "num_attention_heads": N_HEADS,
        "num_hidden_layers": N_LAYERS,
        "max_position_embeddings": N_POSITIONS,
        "piece_encoder": {"@architectures": f"{prefix}BertWordpieceEncoder.v1"},
        "with_spans": {"@architectures": f"{prefix}WithStridedSpans.v1", **SPANS},
    }
    nlp.add_pipe("curated_transformer", config={"model": model})
    nlp.config["initialize"]["components"]["curated_transformer"] = {
        f"{kind}_loader": {"@model_loaders": f"{prefix}{loader}.v1", "name": checkpoint}
        for kind, loader in (
            ("encoder", "HFTransformerEncoderLoader"),
            ("piecer", "HFPieceEncoderLoader"),
        )
    }
    add_spacy_heads(nlp, CURATED_LISTENER)


def add_spacy_heads(nlp: Any, listener: dict[str, Any]) -> None:
    """spaCy's `textcat` and `ner`."""
    nlp.add_pipe("textcat", config={"model": {**TEXTCAT, "tok2vec": listener}})
    nlp.add_pipe("ner", config={"model": {**SPACY_NER, "hidden_width": 16, "tok2vec": listener}})


ADD = {OURS: add_ours, MIXED: add_mixed, TRF: add_trf, CURATED: add_curated}


def list_versions(system: str) -> dict[str, str]:
    """Versions of what is checked and of what it stands on."""
    names = ["spacy", "torch", "transformers", DISTRIBUTIONS.get(system, "spacy-bert-plugin")]
    return {name: metadata.version(name) for name in names}


def main(system: str, folder: str, output: str, seconds: str = "120") -> None:
    """Build, check, write."""
    versions = list_versions(system)
    hide_others(OURS if system == MIXED else system)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    nlp = build(system, make_checkpoint(Path(folder) / "checkpoint"))
    from spacy_bert_plugin.checks import check_component

    def tell(result: Any) -> None:
        print(f"{system}: {result.row:3} {result.status:7} {result.title}", file=sys.stderr)

    results = check_component(nlp, seconds=float(seconds), tell=tell)
    found = {"versions": versions, "checks": [asdict(result) for result in results]}
    Path(output).write_text(json.dumps(found), encoding="utf8")


if __name__ == "__main__":
    main(*sys.argv[1:])
