"""Configs for other transformer libraries, rewritten."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config_from_str

from spacy_bert_plugin.checkpoints import build_checkpoint, save_checkpoint
from spacy_bert_plugin.errors import SettingError
from spacy_bert_plugin.interop.spacy_transformers import convert_config_text, import_config
from spacy_bert_plugin.pieces import PieceTokenizer
from tests.conftest import MAKERS
from tests.pipeline.conftest import TRAIN

pytestmark = pytest.mark.compat
RunT = Callable[..., Any]
# What `spacy init config --lang en --pipeline ner,textcat --gpu` writes, and what the form on
# spacy.io does: the same with most settings left out.
FILES = ("quickstart.cfg", "quickstart_unfilled.cfg")
HERE = Path(__file__).parent / "foreign_configs"
CURATED = (HERE / "curated.cfg").read_text()


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random RoBERTa of two layers, as somebody else would have saved it."""
    sizes = {"width": 32, "n_layers": 2, "n_heads": 4, "hidden_width": 64, "n_positions": 200}
    tokenizer = PieceTokenizer.from_json(MAKERS["byte-bpe"]().to_str())
    path = tmp_path_factory.mktemp("models") / "roberta"
    save_checkpoint(build_checkpoint(sizes, tokenizer, family="roberta"), path)
    (path / "manifest.json").unlink()
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    docs = []
    for text, annotations in TRAIN:
        doc = nlp.make_doc(text)
        doc.ents = [doc.char_span(*span[:2], label=span[2]) for span in annotations["entities"]]
        doc.cats = annotations["cats"]
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    return tmp_path / "train.spacy"


def train_two_steps(text: str, name: Path, data: Path, out: Path) -> Any:
    overrides = {
        "paths.train": str(data),
        "paths.dev": str(data),
        "components.transformer.model.name": str(name),
        "training.max_steps": 2,
        "training.eval_frequency": 2,
    }
    config = load_config_from_str(text, overrides=overrides)
    out.mkdir()
    nlp = init_nlp(config)
    train(nlp, out)
    return spacy.load(out / "model-last")


@pytest.mark.parametrize("file", FILES)
def test_quickstart_trains_with_no_other_edit(
    file: str, roberta: Path, data: Path, tmp_path: Path
) -> None:
    text = import_config((HERE / file).read_text())
    assert "spacy-transformers" not in text
    nlp = train_two_steps(text, roberta, data, tmp_path / "out")
    assert nlp.pipe_names == ["transformer", "ner", "textcat"]
    assert nlp.get_pipe("transformer").listening_components == ["ner", "textcat"]
    assert set(nlp("book a table").cats) == {"PLAY", "BOOK"}


def test_curated_trains(roberta: Path, data: Path, tmp_path: Path) -> None:
    text, changes = convert_config_text(CURATED)
    assert "curated" not in text
    config = load_config_from_str(text)
    model = config["components"]["transformer"]["model"]
    assert (model["name"], model["revision"]) == ("roberta-base", "main")
    assert model["precision"] == "auto"
    reasons = {change.was: change.why for change in changes}
    assert "vocab_size = 50265" in reasons
    assert any("unfreeze_every" in why for why in reasons.values())
    listener = config["components"]["textcat"]["model"]["tok2vec"]
    assert listener == {
        "@architectures": "spacy-bert-plugin.BertListener.v1",
        "upstream": "transformer",
        "pooling": "first",
        "grad_factor": 0.5,
    }
    train_two_steps(text, roberta, data, tmp_path / "out")


def test_what_stays_is_the_same() -> None:
    before = load_config_from_str(QUICKSTART, interpolate=False)
    after = load_config_from_str(import_config(QUICKSTART), interpolate=False)
    for section in ("paths", "system", "nlp", "corpora", "training", "initialize"):
        assert after[section] == before[section]


def test_inline_encoders() -> None:
    text = """
    [nlp]
    lang = "en"
    pipeline = ["tagger"]
    [components]
    [components.tagger]
    factory = "tagger"
    [components.tagger.model]
    @architectures = "spacy.Tagger.v2"
    [components.tagger.model.tok2vec]
    @architectures = "spacy-transformers.Tok2VecTransformer.v3"
    name = "bert-base-cased"
    get_spans = {"@span_getters": "spacy-transformers.doc_spans.v1"}
    tokenizer_config = {"use_fast": true, "do_lower_case": true}
    pooling = {"@layers": "reduce_first.v1"}
    grad_factor = 0.5
    """
    converted, changes = convert_config_text(text.replace("    ", ""))
    config = load_config_from_str(converted)
    assert config["components"]["tagger"]["model"]["tok2vec"] == {
        "@architectures": "spacy-bert-plugin.BertEncoder.v1",
        "name": "bert-base-cased",
        "output": "first",
    }
    assert "tokenizer_config = {'do_lower_case': True}" in [change.was for change in changes]


QUICKSTART = (HERE / FILES[0]).read_text()
BAD = {
    "nothing": ("", "", "nothing to convert"),
    "no config": (QUICKSTART, "not a config", "no config"),
    "upstream": ('upstream = "*"', 'upstream = "trf"', r"listens to 'trf'.*'transformer'"),
    "pooling": ("reduce_mean.v1", "reduce_last.v1", "reduce_last"),
    "sourced": ('factory = "transformer"\nmax_batch_items = 4096', 'source = "other"',
                "import the pipeline"),
    "several": ("[components.ner]\nfactory = \"ner\"", "[components.ner]\nfactory = "
                "\"curated_transformer\"", "several"),
    "architecture": ("TransformerModel.v3", "TransformerModel.v7", "TransformerModel.v7"),
    "left over": ("spacy.ner_scorer.v1", "spacy-transformers.other.v1", "no counterpart"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_configs(kind: str) -> None:
    old, new, message = BAD[kind]
    text = QUICKSTART.replace(old, new) if old else ""
    assert text != QUICKSTART
    with pytest.raises(SettingError, match=message):
        import_config(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HFTransformerEncoderLoader.v1", "PyTorchCheckpointLoader.v1", "pickles"),
        ("LastTransformerLayerListener.v1", "TransformerLayersListener.v1", "no counterpart"),
    ],
)
def test_bad_configs_of_curated(old: str, new: str, message: str) -> None:
    assert old in CURATED
    with pytest.raises(SettingError, match=message):
        import_config(CURATED.replace(old, new))


def test_weighted_layers_become_the_last() -> None:
    text = CURATED.replace("LastTransformerLayerListener.v1", "ScalarWeightingListener.v1")
    assert any("learned mean" in change.why for change in convert_config_text(text)[1])


def test_command(run: RunT, tmp_path: Path) -> None:
    out = tmp_path / "sub" / "ours.cfg"
    outcome = run("import-config", HERE / FILES[0], out)
    assert outcome.code == 0
    assert "max_batch_items = 4096 -> left out" in outcome.text
    assert "comments" in outcome.text
    assert out.read_text() == import_config(QUICKSTART)
    again = run("import-config", HERE / FILES[0], out)
    assert again.code == 1
    assert "--force" in again.text
    assert run("import-config", HERE / FILES[0], out, "--force").code == 0
    assert run("import-config", tmp_path / "none.cfg", out, "--force").code == 1
    (tmp_path / "latin.cfg").write_bytes(b"\xff\xfe")
    assert "no config" in run("import-config", tmp_path / "latin.cfg", "-").text


def test_command_writes_to_the_terminal(run: RunT) -> None:
    outcome = run("import-config", HERE / FILES[0], "-")
    assert '@architectures = "spacy-bert-plugin.BertEncoder.v1"' in outcome.raw
