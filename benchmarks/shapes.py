"""Checkpoints of a given shape with random weights, for speed alone.

python benchmarks/shapes.py base FOLDER --tokenizer CHECKPOINT
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

# As in the configs of `bert-base-uncased`, and one to try the script with.
SHAPES: dict[str, dict[str, int]] = {
    "base": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
    "tiny": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
    },
}
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "tokenizer_config.json")


def build_shape(shape: str, folder: Path, *, tokenizer: Path) -> None:
    """Write a random BERT with the tokenizer of another checkpoint."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    vocabulary = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    config = BertConfig(vocab_size=vocabulary.get_vocab_size(), **SHAPES[shape])
    BertModel(config).save_pretrained(folder)
    for name in TOKENIZER_FILES:
        if (tokenizer / name).exists():
            shutil.copy(tokenizer / name, folder)


def build_in_process(shape: str, folder: Path, *, tokenizer: Path) -> Path:
    """Build it where it leaves nothing in this process. RETURNS (Path): The folder."""
    command = [sys.executable, str(Path(__file__).resolve()), shape, str(folder)]
    subprocess.run([*command, "--tokenizer", str(tokenizer)], check=True)
    return folder


def find_checkpoint(arguments: argparse.Namespace, folder: Path) -> Path:
    """The folder of the weights, built first where a `shape` is asked for."""
    checkpoint: Path = arguments.checkpoint.resolve()
    if arguments.shape:
        return build_in_process(arguments.shape, folder / arguments.shape, tokenizer=checkpoint)
    return checkpoint


def name_results(what: str, arguments: argparse.Namespace) -> str:
    """Name of result files, by what was measured, of which shape, on which device."""
    parts = (what, arguments.shape, arguments.device.replace("cpu", ""))
    return "-".join(part for part in parts if part)


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=list(SHAPES))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True, help="checkpoint with one")
    arguments = parser.parse_args()
    build_shape(arguments.shape, arguments.folder, tokenizer=arguments.tokenizer)


if __name__ == "__main__":
    main()
