"""Docs of two texts through the encoder: the vectors that the reference gives the pair."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from tokenizers import Tokenizer

from spacy_bert_plugin.errors import DataError
from spacy_bert_plugin.layers import build_bert_encoder_v1, get_shim
from spacy_bert_plugin.layers.bert_encoder import prepare, run_encoder
from spacy_bert_plugin.layers.runs import cut_runs
from spacy_bert_plugin.pieces import map_rows, pack_windows
from spacy_bert_plugin.util.pairs import make_pair_doc
from tests.conftest import make_byte_bpe_tokenizer, make_wordpiece_tokenizer

# DeBERTa and older transformers beside newer torch.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
NLP = spacy.blank("en")
SIZES = {
    "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 40,
    "max_position_embeddings": 70,
}  # fmt: skip
DISTILBERT = {"dim": 24, "n_layers": 2, "n_heads": 4, "hidden_dim": 40}
FAMILIES: dict[str, tuple[Callable[[], Tokenizer], dict[str, Any]]] = {
    "bert": (make_wordpiece_tokenizer, {**SIZES, "type_vocab_size": 2}),
    "electra": (make_wordpiece_tokenizer, {**SIZES, "type_vocab_size": 2}),
    "distilbert": (make_wordpiece_tokenizer, {**DISTILBERT, "max_position_embeddings": 70}),
    "roberta": (
        make_byte_bpe_tokenizer,
        {**SIZES, "type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2},
    ),
    # Through transformers' AutoModel.
    "deberta": (make_wordpiece_tokenizer, {**SIZES, "type_vocab_size": 2}),
    "albert": (make_wordpiece_tokenizer, {**SIZES, "type_vocab_size": 2, "embedding_size": 16}),
}
PAIRS = [
    ("the house in paris is good", "is the house bad ?"),
    ("rain", "the rain tomorrow, please play some music"),
    ("unbelievably good", " \n "),
]
LONG = "the house in paris is good , and the weather tomorrow is bad . " * 6


def save_family(family: str, path: Path) -> Path:
    """Save a random model as anybody would, without a manifest."""
    from transformers import CONFIG_MAPPING, AutoModel

    make_tokenizer, sizes = FAMILIES[family]
    tokenizer = make_tokenizer()
    torch.manual_seed(3)
    config = CONFIG_MAPPING[family](vocab_size=tokenizer.get_vocab_size(), **sizes)
    model = AutoModel.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    model.save_pretrained(path)
    tokenizer.save(str(path / "tokenizer.json"))
    return path


@pytest.fixture(scope="module", params=list(FAMILIES))
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_family(request.param, tmp_path_factory.mktemp("pairs") / request.param)


def read_reference(path: Path, first: str, second: str) -> tuple[Any, Any]:
    """Pieces of the pair and their vectors, by transformers alone. Shape: (n_pieces, width)"""
    from transformers import AutoModel

    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    model = AutoModel.from_pretrained(path).eval()
    given = tokenizer.encode(first, second)
    inputs = {"input_ids": torch.tensor([given.ids])}
    if getattr(model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.tensor([given.type_ids])
    with torch.no_grad():
        return given, model(**inputs).last_hidden_state[0].numpy()


def average_tokens(doc: Doc, given: Any, vectors: Any) -> Any:
    """What the tokens of a pair are: means over their pieces. Shape: (n_tokens, width)"""
    begins = [span.start_char for span in doc.spans["pair"]]
    expected = np.zeros((len(doc), vectors.shape[1]), dtype=np.float32)
    places = list(zip(given.sequence_ids, given.offsets, strict=True))
    for token in doc:
        start, end = token.idx, token.idx + len(token)
        rows = [
            row
            for row, (side, (a, b)) in enumerate(places)
            if side is not None and a + begins[side] < end and b + begins[side] > start
        ]
        if rows:
            expected[token.i] = vectors[rows].mean(axis=0)
    return expected


def test_vectors_are_those_of_the_reference(checkpoint: Path) -> None:
    model = build_bert_encoder_v1(str(checkpoint)).initialize()
    docs = [make_pair_doc(NLP, *pair) for pair in PAIRS]
    encoded, _, _ = run_encoder(model, docs, is_train=False, pooled=["cls", "pieces"])
    begin = 0
    for number, (doc, pair) in enumerate(zip(docs, PAIRS, strict=True)):
        given, vectors = read_reference(checkpoint, *pair)
        found = encoded.tokens[begin : begin + len(doc)].numpy()
        np.testing.assert_allclose(found, average_tokens(doc, given, vectors), atol=1e-5)
        np.testing.assert_allclose(encoded.pooled["cls"][number], vectors[0], atol=1e-5)
        mean = vectors.mean(axis=0)
        np.testing.assert_allclose(encoded.pooled["pieces"][number], mean, atol=1e-5)
        begin += len(doc)


def make_encoder(path: Path, **settings: Any) -> Any:
    return build_bert_encoder_v1(str(path), **settings).initialize()


def test_alone_is_in_a_mixed_batch(tiny_checkpoint: Path) -> None:
    model = make_encoder(tiny_checkpoint, max_pieces=24, overlap=4)
    docs = [make_pair_doc(NLP, *pair) for pair in PAIRS]
    docs += [NLP.make_doc(text) for text in ("the rain", "", LONG)]
    docs += [make_pair_doc(NLP, "a question", LONG), make_pair_doc(NLP, LONG, LONG[:200])]
    together = model.predict(docs)
    for doc, vectors in zip(docs, together, strict=True):
        np.testing.assert_allclose(model.predict([doc])[0], vectors, atol=1e-5)


def test_segments_and_sides_matter(tiny_checkpoint: Path) -> None:
    model = make_encoder(tiny_checkpoint)
    pair, plain = make_pair_doc(NLP, "good house", "bad house"), NLP("good house bad house")
    turned = make_pair_doc(NLP, "bad house", "good house")
    vectors = model.predict([pair, plain, turned])
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01
    assert np.abs(vectors[0] - vectors[2][[2, 3, 0, 1]]).max() > 0.01


@pytest.mark.parametrize("turned", [False, True])
def test_windows_of_a_long_pair_show_the_whole_of_the_short_text(
    tiny_checkpoint: Path, turned: bool
) -> None:
    model = make_encoder(tiny_checkpoint, max_pieces=32, overlap=4)
    texts = ("where is the house ?", LONG)
    doc = make_pair_doc(NLP, *(reversed(texts) if turned else texts))
    prepared = prepare(model, [doc])
    tokenizer = get_shim(model).checkpoint.tokenizer
    windows, numbers = prepared.windows, np.arange(len(prepared.windows))
    special = {"prefix": tokenizer.prefix_ids, "suffix": tokenizer.suffix_ids}
    packed = pack_windows(prepared.ids, windows, numbers, segments=prepared.segments, **special)
    assert len(windows) > 3
    assert max(packed.lengths) <= 32
    (rows,) = map_rows(prepared.alignment, windows, [numbers], n_prefix=1, n_special=2)
    assert rows.tokens.tolist() == [token.i for token in doc if not token.is_space]
    ids = packed.ids[rows.rows]  # the pieces of all tokens, in order
    assert ids.tolist() == prepared.pieces[0].ids.tolist()
    question = tokenizer.encode([texts[0]])[0].ids.tolist()
    begin = 0
    for length in packed.lengths:
        window = packed.ids[begin : begin + length].tolist()
        assert (
            window[-1 - len(question) : -1] == question or window[1:][: len(question)] == question
        )
        begin += length


@pytest.mark.parametrize("texts", [("where is it ?", LONG), (LONG, "where is it ?"), (LONG, LONG)])
def test_runs_of_a_long_pair_give_the_same_vectors(
    tiny_checkpoint: Path, texts: tuple[str, str]
) -> None:
    model = make_encoder(tiny_checkpoint, max_pieces=24, overlap=4)
    doc = make_pair_doc(NLP, *texts)
    prepared = prepare(model, [doc])
    runs = list(cut_runs(prepared, run_pieces=60))
    is_crossed = texts[0] == texts[1]
    assert len(runs) == 1 if is_crossed else len(runs) > 2
    parts = [
        run_encoder(model, [doc], is_train=False, pooled=["cls"], prepared=run)[0] for run in runs
    ]
    found = np.concatenate([part.tokens.numpy() for part in parts])
    np.testing.assert_allclose(found, model.predict([doc])[0], atol=1e-5)
    cls = sum(part.pooled["cls"] * len(run.windows) for part, run in zip(parts, runs, strict=True))
    whole, _, _ = run_encoder(model, [doc], is_train=False, pooled=["cls"])
    np.testing.assert_allclose(cls / len(prepared.windows), whole.pooled["cls"], atol=1e-5)


def test_sentences_begin_windows_in_either_text(tiny_checkpoint: Path) -> None:
    model = make_encoder(tiny_checkpoint, max_pieces=32, overlap=4)
    doc = make_pair_doc(NLP, "where is the house ?", LONG)
    before = prepare(model, [doc]).windows.lengths
    for token in doc:
        token.is_sent_start = token.i == 0 or token.nbor(-1).text in (".", "?")
    after = prepare(model, [doc]).windows.lengths
    assert before.tolist() != after.tolist()
    assert after.max() <= 32 - 2


def test_gradients_reach_both_texts_and_segments(tiny_checkpoint: Path) -> None:
    model = make_encoder(tiny_checkpoint)
    doc = make_pair_doc(NLP, "the good house", "rain tomorrow")
    vectors, backprop = model.begin_update([doc])
    backprop([np.ones_like(vectors[0])])
    embeddings = get_shim(model).encoder.embeddings
    assert torch.all(embeddings.segments.weight.grad.abs().sum(dim=1) > 0)


def test_hidden_pieces_are_never_those_between_the_texts(tiny_checkpoint: Path) -> None:
    model = make_encoder(tiny_checkpoint, piece_dropout=0.99)
    seen: list[list[int]] = []
    encoder = get_shim(model).encoder
    encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0].ids.tolist()))
    torch.manual_seed(0)
    model.begin_update([make_pair_doc(NLP, "the good house", "rain tomorrow")])
    middle = get_shim(model).checkpoint.tokenizer.pair.middle_ids[0]
    assert seen[0].count(middle) == 2
    assert seen[0][4] == middle


def test_training_caches_each_side(tiny_checkpoint: Path) -> None:
    model = make_encoder(tiny_checkpoint)
    docs = [make_pair_doc(NLP, question, "the house") for question in ("who ?", "where ?")]
    model.begin_update(docs)
    assert len(get_shim(model).pieces) == 3


def test_bad_spans_are_refused(tiny_checkpoint: Path) -> None:
    model = make_encoder(tiny_checkpoint)
    doc = NLP("the house is good")
    doc.spans["pair"] = [doc[0:1], doc[2:4]]
    with pytest.raises(DataError, match="two spans that lie one after the other"):
        model.predict([doc])
