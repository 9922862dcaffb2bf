"""The pipelines that `inference.py` measures, built on disk with the same weights and labels.

    python benchmarks/builds.py ours OUT --checkpoint encoders/minilm-l6 --data-dir ../shared/data

The encoder stays as the checkpoint has it. The heads learn the intents and slots of SNIPS for a few
steps: enough that what they say is not all the same, and costs what it costs in use. spaCy's heads
learn once, over our encoder, and are copied to the other encoders with `--heads`: what they say
then differs as far as the vectors do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from options import make_parser
from pipelines import (
    OUR_LISTENER,
    STRIDED_SPANS,
    add_ours,
    add_spacy_heads,
    add_spacy_transformers,
)

CURATED_LISTENER = {
    "@architectures": "spacy-curated-transformers.LastTransformerLayerListener.v1",
    "width": 0,
    "pooling": {"@layers": "reduce_mean.v1"},
}
N_STEPS, BATCH_SIZE, LEARN_RATE = 60, 32, 0.002


def add_ours_with_spacy_heads(nlp: Any, checkpoint: str) -> None:
    """spaCy's `textcat` and `ner`, as in the quickstart, over our encoder."""
    nlp.add_pipe("bert_transformer", config={"model": {"name": checkpoint}})
    add_spacy_heads(nlp, OUR_LISTENER)


def add_spacy_curated_transformers(nlp: Any, checkpoint: str) -> None:
    """The same heads over spacy-curated-transformers with the weights of the same folder."""
    config = json.loads((Path(checkpoint) / "config.json").read_text(encoding="utf8"))
    model = {
        "@architectures": "spacy-curated-transformers.BertTransformer.v1",
        "vocab_size": config["vocab_size"],
        "hidden_width": config["hidden_size"],
        "intermediate_width": config["intermediate_size"],
        "num_attention_heads": config["num_attention_heads"],
        "num_hidden_layers": config["num_hidden_layers"],
        "layer_norm_eps": config["layer_norm_eps"],
        "hidden_act": config["hidden_act"],
        "piece_encoder": {"@architectures": "spacy-curated-transformers.BertWordpieceEncoder.v1"},
        "with_spans": {
            "@architectures": "spacy-curated-transformers.WithStridedSpans.v1",
            **STRIDED_SPANS,
        },
    }
    nlp.add_pipe("curated_transformer", config={"model": model})
    add_spacy_heads(nlp, {**CURATED_LISTENER, "width": config["hidden_size"]})
    nlp.config["initialize"]["components"]["curated_transformer"] = {
        what: {
            "@model_loaders": f"spacy-curated-transformers.{loader}.v1",
            "name": checkpoint,
        }
        for what, loader in (
            ("encoder_loader", "HFTransformerEncoderLoader"),
            ("piecer_loader", "HFPieceEncoderLoader"),
        )
    }


BUILDERS: dict[str, Callable[[Any, str], None]] = {
    "ours": add_ours,
    "ours-spacy-heads": add_ours_with_spacy_heads,
    "spacy-transformers": add_spacy_transformers,
    "spacy-curated-transformers": add_spacy_curated_transformers,
}
# spacy-curated-transformers 0.3.1 cannot train beside numpy 2.
DONOR, TAKERS = "ours-spacy-heads", ("spacy-transformers", "spacy-curated-transformers")


def build(
    system: str,
    target: Path,
    *,
    checkpoint: Path,
    data_dir: Path,
    n_steps: int,
    heads: Path | None = None,
) -> None:
    """Build a pipeline and save it.

    heads (Path | None): Pipeline whose heads are copied; None: they learn, over the frozen encoder.
    """
    import spacy
    from spacy.util import fix_random_seed

    fix_random_seed(0)
    nlp = spacy.blank("en")
    BUILDERS[system](nlp, str(checkpoint.resolve()))
    examples = read_examples(nlp, data_dir / "snips" / "train.jsonl", n=n_steps * BATCH_SIZE)
    nlp.initialize(lambda: examples)
    if heads is None:
        train_heads(nlp, examples)
    else:
        donor = spacy.load(heads)
        for name in nlp.pipe_names[1:]:
            copy_head(donor.get_pipe(name), nlp.get_pipe(name))
    target.parent.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(target)


def train_heads(nlp: Any, examples: list[Any]) -> None:
    """One pass over the examples; the encoder annotates and does not learn."""
    from spacy.util import registry

    settings = {"@optimizers": "Adam.v1", "learn_rate": LEARN_RATE}
    optimizer = registry.resolve({"it": settings})["it"]
    encoder = nlp.pipe_names[0]
    for start in range(0, len(examples), BATCH_SIZE):
        batch = examples[start : start + BATCH_SIZE]
        nlp.update(batch, sgd=optimizer, drop=0.1, exclude=[encoder], annotates=[encoder])


def copy_head(source: Any, target: Any) -> None:
    """Copy weights between heads that differ in what they listen to, which has no weights."""
    if source.labels != target.labels:
        raise SystemExit(f"labels differ: {source.labels} and {target.labels}")
    nodes = [[node for node in c.model.walk() if node.param_names] for c in (source, target)]
    for giver, taker in zip(*nodes, strict=True):
        for name in giver.param_names:
            if giver.get_param(name).shape != taker.get_param(name).shape:
                raise SystemExit(f"'{name}' of {giver.name} and {taker.name} differ in shape")
            taker.set_param(name, giver.get_param(name))


def read_examples(nlp: Any, path: Path, *, n: int) -> list[Any]:
    """The first utterances with their intents and slots; slots that cut a token are left out."""
    from spacy.training import Example

    with path.open(encoding="utf8") as file:
        rows = [json.loads(line) for line in file]
    labels = sorted({row["intent"] for row in rows})
    examples = []
    for row in rows[:n]:
        doc = nlp.make_doc(row["text"])
        spans = [doc.char_span(s["start"], s["end"], s["label"]) for s in row["spans"]]
        doc.set_ents([span for span in spans if span is not None])
        doc.cats = {label: float(label == row["intent"]) for label in labels}
        examples.append(Example(nlp.make_doc(row["text"]), doc))
    return examples


def build_all(
    systems: Sequence[str], folder: Path, *, checkpoint: Path, data_dir: Path, n_steps: int
) -> dict[str, Path]:
    """Build what is not there yet, the donor of spaCy's heads first.

    RETURNS (dict): The folder of each system.
    """
    wanted = [name for name in BUILDERS if name in systems]
    if any(name in TAKERS for name in wanted) and DONOR not in wanted:
        wanted.insert(0, DONOR)
    paths = {name: folder / name for name in wanted}
    for name, path in paths.items():
        if path.exists():
            continue
        print(f"building {name} ...", flush=True)
        build_in_process(
            name,
            path,
            checkpoint=checkpoint,
            data_dir=data_dir,
            n_steps=n_steps,
            heads=paths[DONOR] if name in TAKERS else None,
        )
    return paths


def build_in_process(
    system: str,
    target: Path,
    *,
    checkpoint: Path,
    data_dir: Path,
    n_steps: int,
    heads: Path | None = None,
) -> None:
    """Build where it leaves nothing in this process.

    RAISES (SystemExit): With what the process said when it failed.
    """
    command = [sys.executable, str(Path(__file__).resolve()), system, str(target)]
    command += ["--checkpoint", str(checkpoint), "--data-dir", str(data_dir)]
    command += ["--steps", str(n_steps), *(["--heads", str(heads)] if heads else [])]
    done = subprocess.run(
        command,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{system} could not be built:\n{done.stderr[-3000:]}")


def main() -> None:
    """Read the command line and build."""
    parser = make_parser(__doc__)
    parser.add_argument("system", choices=list(BUILDERS))
    parser.add_argument("target", type=Path)
    parser.add_argument("--steps", type=int, default=N_STEPS)
    parser.add_argument("--heads", type=Path, help="pipeline whose heads are copied")
    arguments = parser.parse_args()
    build(
        arguments.system,
        arguments.target,
        checkpoint=arguments.checkpoint,
        data_dir=arguments.data_dir,
        n_steps=arguments.steps,
        heads=arguments.heads,
    )


if __name__ == "__main__":
    main()
