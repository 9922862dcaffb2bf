"""What pages find in the folder in which they run.

- encoder/ is a tiny BERT checkpoint: config.json, model.safetensors, tokenizer.json.
- corpus/train.spacy has 36 texts like those of SNIPS, with categories and entities, and
  corpus/dev.spacy 12 more.
- pipeline/ is a trained pipeline of bert_transformer, bert_ner and bert_textcat. It is there if
  the page's blocks name it, or has the mark `copy pipeline NAME`.
- masked/ is the tiny encoder with a masked-word head, if the page has the mark `copy masked NAME`.
"""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_bert_plugin.checkpoints import build_checkpoint, load_checkpoint, save_checkpoint
from spacy_bert_plugin.pieces import PieceTokenizer

PATTERNS = {
    "PlayMusic": ["play some music by ARTIST", "i want to hear ARTIST"],
    "BookRestaurant": ["book a table in CITY", "a table for two in CITY"],
    "GetWeather": ["is it rain in CITY tomorrow", "weather in CITY"],
}
FILLERS = {
    "ARTIST": [["The", "Long", "Street"], ["Anna", "House"], ["Seven"]],
    "CITY": [["New", "York"], ["Berlin"], ["London"], ["Paris"]],
}


def make_docs() -> list[Doc]:
    """All texts that the patterns give, every category and every entity label among them."""
    vocab = spacy.blank("en").vocab
    docs = []
    for end in (".", "!"):
        for label, patterns in PATTERNS.items():
            for pattern, at in itertools.product(patterns, range(4)):
                words, ents = [], []
                for word in pattern.split():
                    fillers = FILLERS.get(word)
                    filled = fillers[at % len(fillers)] if fillers else [word]
                    tag = [f"I-{word}"] * (len(filled) - 1)
                    ents += [f"B-{word}", *tag] if fillers else ["O"]
                    words += filled
                doc = Doc(vocab, words=[*words, end], ents=[*ents, "O"])
                doc.cats = {name: float(name == label) for name in PATTERNS}
                docs.append(doc)
    return docs


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with train.spacy and dev.spacy."""
    path = tmp_path_factory.mktemp("docs") / "corpus"
    path.mkdir()
    for name, is_dev in (("train", False), ("dev", True)):
        docs = [doc for i, doc in enumerate(make_docs()) if (i % 4 == i // 4 % 4) == is_dev]
        DocBin(docs=docs).to_disk(path / f"{name}.spacy")
    return path


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory, tokenizer_json: str) -> Path:
    """Folder of a random two-layer BERT as somebody else would have saved it, for long windows."""
    torch.manual_seed(0)
    sizes = {
        "width": 32, "n_layers": 2, "n_heads": 4, "hidden_width": 64, "n_positions": 256,
        "use_pooler": True, "initializer_range": 0.2,
    }  # fmt: skip
    path = tmp_path_factory.mktemp("docs") / "encoder"
    save_checkpoint(build_checkpoint(sizes, PieceTokenizer.from_json(tokenizer_json)), path)
    (path / "manifest.json").unlink()
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Path, corpus: Path) -> Path:
    """Folder of a pipeline that has learned the corpus for some steps."""
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(encoder)}})
    nlp.add_pipe("bert_ner")
    nlp.add_pipe("bert_textcat", config={"exclusive": True})
    train(nlp, corpus)
    path = tmp_path_factory.mktemp("docs") / "pipeline"
    nlp.to_disk(path)
    return path


def train(nlp: Language, corpus: Path) -> None:
    """Train until the few patterns are known, and keep the scores."""
    examples = {}
    for name in ("train", "dev"):
        docs = DocBin().from_disk(corpus / f"{name}.spacy").get_docs(nlp.vocab)
        examples[name] = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    optimizer = nlp.initialize(lambda: examples["train"])
    optimizer.learn_rate = 0.01
    for _ in range(25):
        nlp.update(examples["train"], sgd=optimizer)
    nlp.meta["performance"] = nlp.evaluate(examples["dev"])


@pytest.fixture(scope="session")
def masked(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """Folder of the tiny encoder with a masked-word head beside it."""
    from spacy_bert_plugin.layers.stored_heads import make_masked_word_head

    checkpoint = load_checkpoint(encoder)
    head = make_masked_word_head(checkpoint)
    path = tmp_path_factory.mktemp("docs") / "masked"
    save_checkpoint(checkpoint, path, heads={"masked_words": head.state_dict()})
    return path


@pytest.fixture
def put_thing(
    request: pytest.FixtureRequest, tmp_path: Path, encoder: Path, corpus: Path
) -> Callable[[str, str], None]:
    """Put a thing under a name into the folder of a page."""

    def put(thing: str, name: str) -> None:
        sources = {"encoder": encoder, "corpus": corpus}
        made = {"pipeline": "trained", "masked": "masked"}
        source = request.getfixturevalue(made[thing]) if thing in made else sources[thing]
        shutil.copytree(source, tmp_path / name)

    return put
