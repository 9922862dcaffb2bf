"""bert_fill_mask: what it proposes and measures is what transformers' models say."""

import copy
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from tokenizers import Tokenizer
from transformers import AutoModelForMaskedLM, PreTrainedTokenizerFast

from spacy_bert_plugin.checkpoints import build_checkpoint, load_checkpoint, save_checkpoint
from spacy_bert_plugin.encoder import find_piece_table, pack
from spacy_bert_plugin.errors import ListenerError, SettingError
from spacy_bert_plugin.heads import masked_word_loss
from spacy_bert_plugin.layers.stored_heads import make_masked_word_head
from spacy_bert_plugin.pieces import PieceTokenizer
from tests.conftest import MAKERS
from tests.pipeline.conftest import CNN, make_examples, make_ner_model

TEXTS = ["play some music in the kitchen", "book a table in london", "the weather in new york"]
SIZES = {
    "width": 32, "n_layers": 2, "n_heads": 4, "hidden_width": 64, "n_positions": 64,
    "initializer_range": 0.2,
}  # fmt: skip
MakeNlp = Callable[..., Language]


def save_model(tokenizer_json: str, path: Path, *, family: str = "bert", n_steps: int = 0) -> Path:
    """Save a masked language model that knows some texts by heart after `n_steps`."""
    torch.manual_seed(0)
    sizes = {**SIZES, "n_positions": 66} if family == "roberta" else SIZES
    tokenizer = PieceTokenizer.from_json(tokenizer_json)
    checkpoint = build_checkpoint(sizes, tokenizer, family=family)
    head = make_masked_word_head(checkpoint)
    with torch.no_grad():
        head.bias.normal_(std=0.3)
        head.dense.weight.normal_(std=0.3)
    encoder, table = checkpoint.encoder, find_piece_table(checkpoint.encoder)
    optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=3e-3)
    texts = [text.ids for text in tokenizer.encode(TEXTS)]
    for step in range(n_steps):
        windows = [[2, *ids.tolist(), 3] for ids in texts]
        targets = []
        for window in windows:
            place = 1 + step % (len(window) - 2)
            targets.append(window[place])
            window[place] = int(tokenizer.mask_id or 0)
        packed = pack(windows)
        vectors = encoder(packed).last[packed.ids == tokenizer.mask_id]
        loss = masked_word_loss(head(vectors, table), torch.tensor(targets))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    encoder.forget_weights()
    save_checkpoint(checkpoint, path, heads={"masked_words": head.state_dict()})
    return path


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, tokenizer_json: str) -> Path:
    return save_model(tokenizer_json, tmp_path_factory.mktemp("mlm") / "learned", n_steps=120)


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = MAKERS["byte-bpe"]().to_str()
    return save_model(text, tmp_path_factory.mktemp("mlm") / "bytes", family="roberta")


@pytest.fixture
def make_fill_nlp(learned: Path) -> MakeNlp:
    def make(path: Path = learned, *, encoder: dict[str, Any] | None = None, **config: Any) -> Any:
        nlp = spacy.blank("en")
        model = {"name": str(path), "overlap": 8, **(encoder or {})}
        nlp.add_pipe("bert_transformer", config={"model": model})
        nlp.add_pipe("bert_fill_mask", config=config)
        nlp.initialize()
        return nlp

    return make


def run_reference(path: Path, ids: list[int]) -> Any:
    """Probabilities of every piece at every place of a window. Shape: (n, vocab_size)"""
    model = AutoModelForMaskedLM.from_pretrained(path).eval()
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0].softmax(-1).numpy()


def tokenize(path: Path, text: str) -> list[int]:
    return PreTrainedTokenizerFast(tokenizer_file=str(path / "tokenizer.json"))(text)["input_ids"]


def list_fills(doc: Doc) -> list[tuple[int, list[tuple[str, Any]]]]:
    return [
        (token.i, [(word, pytest.approx(p, abs=1e-5)) for word, p in token._.fills])
        for token in doc
        if token._.fills is not None
    ]


def test_words_for_masks_are_those_that_were_learned(make_fill_nlp: MakeNlp) -> None:
    nlp = make_fill_nlp(top_k=3)
    doc = nlp("play some [MASK] in the kitchen")
    assert [token.text for token in doc] == ["play", "some", "[MASK]", "in", "the", "kitchen"]
    word, probability = doc[2]._.fills[0]
    assert word == "music"
    assert probability > 0.5
    assert len(doc[2]._.fills) == 3
    assert [token._.fills for token in doc if token.i != 2] == [None] * 5
    assert doc.text == "play some [MASK] in the kitchen"
    assert doc.vector.any()


@pytest.mark.parametrize("text", ["the [MASK] in new york", "[MASK] some [MASK].", "([MASK]) !"])
def test_probabilities_are_those_of_the_reference(
    make_fill_nlp: MakeNlp, learned: Path, text: str
) -> None:
    nlp = make_fill_nlp(top_k=10)
    ids = tokenize(learned, text)
    mask_id = nlp.get_pipe("bert_transformer").model.shims[0].checkpoint.tokenizer.mask_id
    names = PreTrainedTokenizerFast(tokenizer_file=str(learned / "tokenizer.json"))
    probabilities = run_reference(learned, ids)
    fills = [fills for _, fills in list_fills(nlp(text))]
    places = [place for place, index in enumerate(ids) if index == mask_id]
    assert len(fills) == len(places) == text.count("[MASK]")
    for place, found in zip(places, fills, strict=True):
        order = np.argsort(-probabilities[place]).tolist()
        best = [names.convert_ids_to_tokens(i) for i in order]
        kept = [(n, i) for n, i in zip(best, order, strict=True) if n[:2] != "##" and n[0] != "["]
        assert [word for word, _ in found] == [name for name, _ in kept[:10]]
        assert [p for _, p in found] == [probabilities[place][i] for _, i in kept[:10]]


def test_masks_of_byte_level_vocabularies_take_their_space_along(
    make_fill_nlp: MakeNlp, tmp_path: Path
) -> None:
    tokenizer: Tokenizer = MAKERS["byte-bpe"]()
    data = json.loads(tokenizer.to_str())
    for token in data["added_tokens"]:
        token["lstrip"] = token["content"] == "<mask>"
    path = save_model(json.dumps(data), tmp_path / "bytes", family="roberta")
    nlp = make_fill_nlp(path, top_k=300)
    ids = tokenize(path, "in <mask> win")
    probabilities = run_reference(path, ids)
    doc = nlp("in <mask> win")
    assert [token.text for token in doc] == ["in", "<mask>", "win"]
    place = ids.index(tokenizer.token_to_id("<mask>"))
    expected = {
        word: probabilities[place][tokenizer.token_to_id(name)]
        for word, name in (("the", "Ġthe"), ("t", "Ġt"), ("w", "Ġw"))
    }
    assert dict(doc[1]._.fills) == pytest.approx(expected, abs=1e-5)
    glued = nlp("(<mask>")
    assert "the" not in dict(glued[1]._.fills)
    assert {"in", "he"} <= set(dict(glued[1]._.fills))


def test_unigram_vocabularies_read_words_without_their_mark(
    make_fill_nlp: MakeNlp, tmp_path: Path
) -> None:
    tokenizer: Tokenizer = MAKERS["unigram"]()
    tokenizer.add_special_tokens(["<mask>"])
    path = save_model(tokenizer.to_str(), tmp_path / "unigram", family="xlm-roberta")
    nlp = make_fill_nlp(path, top_k=50)
    doc = nlp("<mask> word")
    assert {word for word, _ in doc[0]._.fills} == {"the", "word"}


def measure_by_hand(path: Path, text: str, tokens: list[list[int]]) -> list[float]:
    """Bits of each token, given its pieces, one pass of the reference for each piece."""
    mask_id = 4
    flat = [piece for token in tokens for piece in token]
    assert tokenize(path, text) == [2, *flat, 3]
    found, begin = [], 0
    for token in tokens:
        bits = 0.0
        for j, piece in enumerate(token):
            hidden = list(flat)
            hidden[begin + j : begin + len(token)] = [mask_id] * (len(token) - j)
            bits -= log2(run_reference(path, [2, *hidden, 3])[1 + begin + j][piece])
        found.append(bits)
        begin += len(token)
    return found


def test_surprise_is_minus_log_probability_of_hidden_tokens(
    make_fill_nlp: MakeNlp, learned: Path
) -> None:
    nlp = make_fill_nlp(mode="surprise")
    text = "play some zebra in the kitchen"
    find = PreTrainedTokenizerFast(tokenizer_file=str(learned / "tokenizer.json"))
    pieces = [find(word, add_special_tokens=False)["input_ids"] for word in text.split()]
    assert len(pieces[2]) > 1
    expected = measure_by_hand(learned, text, pieces)
    doc = nlp(text)
    assert [token._.surprise for token in doc] == pytest.approx(expected, abs=1e-3)
    assert doc._.surprise == pytest.approx(sum(expected) / len(expected), abs=1e-3)
    assert doc[2]._.surprise == max(token._.surprise for token in doc)
    assert nlp(TEXTS[0])._.surprise < doc._.surprise


def test_white_space_and_empty_docs_have_no_surprise(make_fill_nlp: MakeNlp) -> None:
    nlp = make_fill_nlp(mode="surprise")
    doc = nlp("play   music")
    assert [token.text for token in doc] == ["play", "  ", "music"]
    assert doc[1]._.surprise is None
    assert doc._.surprise == pytest.approx((doc[0]._.surprise + doc[2]._.surprise) / 2)
    assert nlp("")._.surprise is None
    assert nlp("   ")._.surprise is None
    assert list(nlp.pipe([])) == []


@pytest.mark.parametrize("mode", ["masks", "surprise"])
def test_alone_and_in_a_batch_and_in_threads(make_fill_nlp: MakeNlp, mode: str) -> None:
    nlp = make_fill_nlp(mode=mode)
    texts = ["book a [MASK] in london", "", "play [MASK]", *TEXTS, "[MASK] [MASK] please tomorrow"]

    def read(doc: Doc) -> list[Any]:
        values = [t._.fills if mode == "masks" else t._.surprise for t in doc]
        numbers = [[p for _, p in v] if isinstance(v, list) else v or 0.0 for v in values]
        return [pytest.approx(number, abs=1e-4) for number in numbers]

    alone = [read(nlp(text)) for text in texts]
    assert len(alone[0]) == (5 if mode == "masks" else 7)
    together = [read(doc) for doc in nlp.pipe(texts * 2, batch_size=3)]
    assert [[v.expected for v in values] for values in together] == alone * 2
    with ThreadPoolExecutor(3) as pool:
        threaded = list(pool.map(lambda text: read(nlp(text)), texts * 4))
    assert [[v.expected for v in values] for values in threaded] == alone * 4


@pytest.mark.parametrize("mode", ["masks", "surprise"])
def test_long_docs_are_asked_in_windows_around_the_place(
    make_fill_nlp: MakeNlp, learned: Path, mode: str
) -> None:
    nlp = make_fill_nlp(mode=mode, max_pieces=10)
    words = ["the", "new", "house", "in", "paris", "is", "good"] * 4
    words[13] = "[MASK]" if mode == "masks" else words[13]
    doc = nlp(" ".join(words))
    find = PreTrainedTokenizerFast(tokenizer_file=str(learned / "tokenizer.json"))
    ids = find(" ".join(words), add_special_tokens=False)["input_ids"]
    assert len(ids) == len(words)
    window = [2, *ids[9:17], 3]  # eight pieces around the one at 13
    window[5] = 4
    probabilities = run_reference(learned, window)[5]
    if mode == "masks":
        ((place, fills),) = list_fills(doc)
        assert place == 13
        assert fills[0][1] == max(
            p for i, p in enumerate(probabilities) if find.convert_ids_to_tokens(i)[0] not in "#["
        )
    else:
        assert doc[13]._.surprise == pytest.approx(-log2(probabilities[ids[13]]), abs=1e-3)
        assert all(token._.surprise > 0 for token in doc)


def test_several_masks_far_apart(make_fill_nlp: MakeNlp) -> None:
    nlp = make_fill_nlp(max_pieces=12)
    far = "play [MASK] music " + "the house is good " * 10 + "book a [MASK] in london"
    doc = nlp(far)
    assert [place for place, _ in list_fills(doc)] == [1, len(doc) - 3]
    near = nlp("book a [MASK] in london")
    assert len(list_fills(near)) == 1


def test_a_text_without_masks_costs_nothing(
    make_fill_nlp: MakeNlp, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = make_fill_nlp()
    component = nlp.get_pipe("bert_fill_mask")
    monkeypatch.setattr(component, "_fill", None)
    assert list_fills(nlp("play some music")) == []
    transformer = nlp.get_pipe("bert_transformer")
    doc = nlp("play some music")
    assert transformer.store.find(doc).outputs == {}  # nobody waits for vectors


def test_own_mask_text_and_tokens_that_are_not_one(make_fill_nlp: MakeNlp) -> None:
    nlp = make_fill_nlp(mask_text="___")
    doc = nlp("play some ___ in the kitchen")
    assert doc[2]._.fills[0][0] == "music"
    nlp = make_fill_nlp()
    words = ["play", "some", "[", "MASK", "]", "in", "the", "kitchen"]
    spaces = [True, True, False, False, True, True, True, False]
    doc = nlp(Doc(nlp.vocab, words=words, spaces=spaces))
    assert doc[2]._.fills[0][0] == "music"


def test_pipeline_saves_and_loads_offline(
    make_fill_nlp: MakeNlp, tmp_path: Path, learned: Path, tokenizer_json: str
) -> None:
    source = save_model(tokenizer_json, tmp_path / "source")
    nlp = make_fill_nlp(source)
    text = "play some [MASK] in the kitchen"
    expected = [[fill[0] for fill in fills] for _, fills in list_fills(nlp(text))]
    nlp.to_disk(tmp_path / "model")
    for path in source.iterdir():
        path.unlink()
    loaded = spacy.load(tmp_path / "model")
    assert [token.text for token in loaded(text)][2] == "[MASK]"
    assert list_fills(loaded(text)) == list_fills(nlp(text))
    assert [[f[0] for f in fills] for _, fills in list_fills(loaded(text))] == expected
    loaded.initialize()  # the head is there already
    assert list_fills(loaded(text)) == list_fills(nlp(text))
    copied = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert list_fills(copied(text)) == list_fills(nlp(text))
    assert list_fills(copy.deepcopy(nlp)(text)) == list_fills(nlp(text))
    with pytest.warns(UserWarning, match="W109"):  # of hooks of the encoder
        again = Doc(nlp.vocab).from_bytes(nlp(text).to_bytes())
    assert list_fills(again) == list_fills(nlp(text))


def test_n_process(make_fill_nlp: MakeNlp) -> None:
    nlp = make_fill_nlp()
    texts = ["play some [MASK] in the kitchen", "book a [MASK]"] * 3
    one = [list_fills(doc) for doc in nlp.pipe(texts)]
    two = [list_fills(doc) for doc in nlp.pipe(texts, n_process=2, batch_size=2)]
    assert two == one
    assert all(one)


def test_head_listens_beside_others_in_training(make_fill_nlp: MakeNlp) -> None:
    nlp = make_fill_nlp()
    nlp.add_pipe("ner", config={"model": make_ner_model()})
    examples = make_examples(nlp)
    sgd = nlp.initialize(lambda: examples)
    head = nlp.get_pipe("bert_fill_mask").model.shims[0].module
    before = {name: tensor.clone() for name, tensor in head.state_dict().items()}
    losses = [nlp.update(examples, sgd=sgd)["ner"] for _ in range(10)]
    assert losses[-1] < losses[0]
    assert all(torch.equal(before[name], tensor) for name, tensor in head.state_dict().items())
    assert nlp("book a [MASK]")[2]._.fills


def test_encoder_of_its_own_and_replaced_listeners(learned: Path, make_fill_nlp: MakeNlp) -> None:
    inline = {
        "@architectures": "spacy-bert-plugin.BertEncoder.v1",
        "name": str(learned),
        "overlap": 8,
    }
    alone = spacy.blank("en")
    alone.add_pipe("bert_fill_mask", config={"model": {"tok2vec": inline}})
    alone.initialize()
    text = "play some [MASK] in the kitchen"
    expected = list_fills(make_fill_nlp()(text))
    assert list_fills(alone(text)) == expected
    nlp = make_fill_nlp()
    nlp.replace_listeners("bert_transformer", "bert_fill_mask", ["model.tok2vec"])
    nlp.remove_pipe("bert_transformer")
    assert list_fills(nlp(text)) == expected


def test_model_gives_logits(make_fill_nlp: MakeNlp) -> None:
    from spacy_bert_plugin.layers.masked_scores import MaskedWindows

    model = make_fill_nlp().get_pipe("bert_fill_mask").model

    def i(*numbers: int) -> Any:
        return np.array(numbers, dtype=np.int64)

    masked = MaskedWindows(i(50, 51, 52, 53), i(0, 2), i(2, 4), i(0, 3), i(1, 4), i(0, 3), i(0, 1))
    logits = model.predict(masked)
    assert logits.shape[0] == 2
    alone = MaskedWindows(i(50, 51, 52, 53), i(2), i(4), i(3), i(4), i(3), i(0))
    assert np.allclose(logits[1:], model.predict(alone), atol=1e-4)
    assert model.predict(MaskedWindows(*(i() for _ in range(7)))).shape[0] == 0
    with pytest.raises(SettingError, match="pretrain"):
        model.begin_update(masked)


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_precision_of_the_encoder_is_used(make_fill_nlp: MakeNlp, precision: str) -> None:
    from spacy_bert_plugin.batching import supports_bf16, supports_int8

    check = {"bf16": supports_bf16, "int8": supports_int8}[precision]
    if not check(torch.device("cpu")):
        pytest.skip(f"this processor has no {precision}")
    text = "play some [MASK] in the kitchen"
    exact = make_fill_nlp()(text)[2]._.fills
    close = make_fill_nlp(encoder={"precision": precision})(text)[2]._.fills
    assert close[0][0] == exact[0][0]
    assert close[0][1] == pytest.approx(exact[0][1], abs=0.05)


def test_checkpoints_without_a_head_are_refused(
    tiny_checkpoint: Path, learned: Path, make_fill_nlp: MakeNlp
) -> None:
    with pytest.raises(SettingError, match="AutoModelForMaskedLM"):
        make_fill_nlp(tiny_checkpoint)
    sizes = {"sizes": SIZES, "tokenizer": str(learned / "tokenizer.json"), "name": None}
    with pytest.raises(SettingError, match="random weights"):
        make_fill_nlp(encoder=sizes)
    nlp = make_fill_nlp(tiny_checkpoint, model={"name": str(learned)})
    assert nlp("play some [MASK]")[2]._.fills


def test_heads_of_another_size_are_refused(
    tmp_path: Path, learned: Path, make_fill_nlp: MakeNlp, byte_level: Path
) -> None:
    with pytest.raises(SettingError, match=r"does not fit the encoder"):
        make_fill_nlp(learned, model={"name": str(byte_level)})
    nlp = make_fill_nlp()
    head = make_masked_word_head(load_checkpoint(byte_level))
    with pytest.raises(SettingError, match=r"bert_fill_mask"):
        nlp.get_pipe("bert_fill_mask").set_head(head)
    assert nlp("play some [MASK]")[2]._.fills


def test_set_head_takes_the_place_of_initialize(
    make_fill_nlp: MakeNlp, tiny_checkpoint: Path
) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    component: Any = nlp.add_pipe("bert_fill_mask")
    head = make_masked_word_head(load_checkpoint(tiny_checkpoint))
    component.set_head(head)
    nlp.initialize()
    assert nlp("play [MASK]")[1]._.fills
    with torch.no_grad():
        head.bias.fill_(9.0)
    assert not component.model.shims[0].module.bias.any()


def test_what_is_missing_is_said(learned: Path, tiny_checkpoint: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_fill_mask")
    with pytest.raises(ListenerError, match="bert_fill_mask"):
        nlp.initialize()
    nlp = spacy.blank("en")
    nlp.add_pipe("bert_transformer", config={"model": {"name": str(tiny_checkpoint), "overlap": 8}})
    component: Any = nlp.add_pipe("bert_fill_mask")
    nlp.get_pipe("bert_transformer").initialize()
    with pytest.raises(ListenerError, match=r"nlp\.initialize"):
        component.predict([nlp.make_doc("a [MASK]")])


def test_a_tokenizer_without_a_mask_piece_is_refused(
    make_fill_nlp: MakeNlp, tmp_path: Path
) -> None:
    text = MAKERS["unigram"]().to_str()
    path = save_model(text, tmp_path / "nomask", family="xlm-roberta")
    with pytest.raises(SettingError, match="no mask piece"):
        make_fill_nlp(path)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("mode", "words"), ("top_k", 0), ("mask_text", " "), ("max_pieces", 2), ("max_pieces", 65)],
)
def test_settings_that_cannot_work(make_fill_nlp: MakeNlp, setting: str, value: Any) -> None:
    with pytest.raises(SettingError, match=setting):
        make_fill_nlp(**{setting: value})("a [MASK]")


def test_model_over_another_tok2vec_is_refused() -> None:
    with pytest.raises(SettingError, match="BertEncoder"):
        spacy.blank("en").add_pipe("bert_fill_mask", config={"model": {"tok2vec": CNN}})
