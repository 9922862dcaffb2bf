"""Small models made on the spot: no test needs a network or a downloaded file."""

import json
import os
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

WORDS = [
    "the",
    "a",
    "in",
    "of",
    "to",
    "and",
    "is",
    "was",
    "i",
    "you",
    "it",
    "play",
    "some",
    "music",
    "by",
    "please",
    "book",
    "table",
    "for",
    "two",
    "at",
    "rain",
    "weather",
    "tomorrow",
    "new",
    "york",
    "berlin",
    "london",
    "paris",
    "light",
    "kitchen",
    "turn",
    "on",
    "off",
    "set",
    "alarm",
    "seven",
    "movie",
    "find",
    "sentence",
    "token",
    "piece",
    "window",
    "hello",
    "world",
    "good",
    "bad",
    "house",
    "street",
    "long",
    "word",
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def make_wordpiece_tokenizer() -> Tokenizer:
    """A lower-casing WordPiece tokenizer over letters, digits and a few words."""
    letters = string.ascii_lowercase + string.digits
    pieces = [*SPECIAL, *string.punctuation, *letters, *(f"##{c}" for c in letters), *WORDS]
    vocab = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    return tokenizer


def make_byte_bpe_tokenizer() -> Tokenizer:
    """A byte-level BPE tokenizer as RoBERTa has it, with a few merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *alphabet, "Ġt", "he", "Ġthe", "in", "Ġw", "<mask>"]
    vocab = {piece: index for index, piece in enumerate(pieces)}
    merges = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n"), ("Ġ", "w")]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def make_unigram_tokenizer() -> Tokenizer:
    """A Unigram tokenizer as XLM-R has it: special pieces have the best score of all."""
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(c, -6.0) for c in string.printable.strip()]
    pieces += [("▁the", -3.0), ("▁word", -4.0), ("ing", -4.0), ("好", -5.0), ("中", -5.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


MAKERS = {
    "wordpiece": make_wordpiece_tokenizer,
    "byte-bpe": make_byte_bpe_tokenizer,
    "unigram": make_unigram_tokenizer,
}


# A busy machine is slow at drawing examples too; that is no fault of what is tested.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

# What is no part of the package: it runs beside one set of versions only.
NOT_COMPAT = {"benchmarks", "project"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that also run beside spacy-transformers."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] not in NOT_COMPAT:
            item.add_marker(pytest.mark.compat)


@pytest.fixture(scope="session", params=list(MAKERS))
def any_tokenizer_json(request: pytest.FixtureRequest) -> str:
    """Text of a tokenizer.json, one of each kind."""
    return MAKERS[request.param]().to_str()


@pytest.fixture(scope="session")
def tokenizer_json() -> str:
    """Text of a WordPiece tokenizer.json."""
    return make_wordpiece_tokenizer().to_str()


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory, tokenizer_json: str) -> Path:
    """Folder of a random two-layer BERT as somebody else would have saved it: no manifest."""
    import torch

    from spacy_bert_plugin.checkpoints import build_checkpoint, save_checkpoint
    from spacy_bert_plugin.pieces import PieceTokenizer

    torch.manual_seed(0)
    sizes = {
        "width": 32, "n_layers": 2, "n_heads": 4, "hidden_width": 64, "n_positions": 64,
        "use_pooler": True, "initializer_range": 0.2,
    }  # fmt: skip
    path = tmp_path_factory.mktemp("models") / "tiny"
    save_checkpoint(build_checkpoint(sizes, PieceTokenizer.from_json(tokenizer_json)), path)
    (path / "manifest.json").unlink()
    assert json.loads((path / "config.json").read_text())["model_type"] == "bert"
    return path


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Folder of the real MiniLM-L6; tests that need it are skipped where it is not."""
    path = os.environ.get("SPACY_BERT_TEST_MINILM", "encoders/minilm-l6")
    if not (Path(path) / "model.safetensors").exists():
        pytest.skip("no MiniLM: python -m spacy bert fetch-encoder minilm-l6 encoders/minilm-l6")
    return Path(path)
