"""Make a small BERT encoder for texts that no pretrained one is at hand for.

Its WordPiece vocabulary is learned from the texts, its weights are random: all that it will know
of the language, it learns from the training. The folder is a checkpoint as any other.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import spacy
import torch
import typer
from spacy.tokens import DocBin
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from wasabi import msg

from spacy_bert_plugin.checkpoints import build_checkpoint, save_checkpoint
from spacy_bert_plugin.pieces import PieceTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def read_texts(data: Path) -> list[str]:
    """Read the texts of a .spacy file."""
    docs = DocBin().from_disk(data).get_docs(spacy.blank("xx").vocab)
    return [doc.text for doc in docs]


def train_tokenizer(texts: list[str], *, vocab_size: int) -> str:
    """Learn the pieces of a BERT tokenizer. A Chinese character is a word of its own.

    texts (list): Learned from.
    vocab_size (int): Most pieces, special ones and single characters included.
    RETURNS (str): Text of a tokenizer.json, the same for the same texts.
    """
    normalizer = normalizers.BertNormalizer(lowercase=False)
    pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = Counter(
        word
        for text in texts
        for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(text))
    )
    vocab = {piece: i for i, piece in enumerate(choose_pieces(words)[:vocab_size])}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(piece, vocab[piece]) for piece in ("[CLS]", "[SEP]")],
    )
    return tokenizer.to_str()


def choose_pieces(words: Counter[str]) -> list[str]:
    """Choose special pieces, single characters and whole words, the most frequent ones first.

    The trainers of `tokenizers` also find parts of words, but others in each run; where words are
    single characters there are none to find.

    words (Counter): How often each word was seen.
    RETURNS (list): Of a piece that was seen once little is learned. As [UNK] it teaches what to
        make of those that other texts will have.
    """
    characters: Counter[str] = Counter()
    for word, n in words.items():
        characters[word[0]] += n
        for character in word[1:]:
            characters[f"##{character}"] += n
    longer = Counter({word: n for word, n in words.items() if len(word) > 1})
    ranked = [
        sorted((piece for piece, n in counts.items() if n > 1), key=lambda p: (-counts[p], p))
        for counts in (characters, longer)
    ]
    return [*SPECIAL, *ranked[0], *ranked[1]]


def make_encoder(
    data: Path,
    folder: Path,
    *,
    vocab_size: int,
    width: int,
    n_layers: int,
    n_heads: int,
    max_pieces: int,
    seed: int,
) -> int:
    """Make a checkpoint with random weights.

    data (Path): .spacy file with the texts.
    folder (Path): Where the checkpoint goes; one that is there is replaced.
    width, n_layers, n_heads, max_pieces (int): Sizes of the encoder.
    seed (int): Of its weights.
    RETURNS (int): Pieces of its vocabulary.
    """
    text = train_tokenizer(read_texts(data), vocab_size=vocab_size)
    tokenizer = PieceTokenizer.from_json(text)
    sizes = {
        "width": width,
        "n_layers": n_layers,
        "n_heads": n_heads,
        "hidden_width": 4 * width,
        "n_positions": max_pieces,
    }
    torch.manual_seed(seed)
    save_checkpoint(build_checkpoint(sizes, tokenizer), folder)
    return tokenizer.vocab_size


def main(
    data: Path,
    folder: Path,
    vocab_size: Annotated[int, typer.Option(help="Most pieces of the vocabulary.")] = 6000,
    width: Annotated[int, typer.Option(help="Of the vectors.")] = 128,
    n_layers: Annotated[int, typer.Option(help="Layers.")] = 2,
    n_heads: Annotated[int, typer.Option(help="Attention heads of a layer.")] = 4,
    max_pieces: Annotated[int, typer.Option(help="Longest window.")] = 256,
    seed: Annotated[int, typer.Option(help="Of the weights.")] = 0,
) -> None:
    """Make an encoder in FOLDER for the texts of the .spacy file DATA."""
    if not data.is_file():
        msg.fail(f"There is no {data}", "Run the data steps of project.yml first.", exits=1)
    n_pieces = make_encoder(
        data,
        folder,
        vocab_size=vocab_size,
        width=width,
        n_layers=n_layers,
        n_heads=n_heads,
        max_pieces=max_pieces,
        seed=seed,
    )
    msg.good(f"{folder} has {n_pieces:,} pieces and random weights", "Train it before you use it.")


if __name__ == "__main__":
    typer.run(main)
