"""Heads of pretraining beside an encoder: read as transformers writes them, and written back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoModelForMaskedLM, BertForPreTraining

from spacy_bert_plugin.checkpoints import build_checkpoint, load_checkpoint, save_checkpoint
from spacy_bert_plugin.encoder import find_piece_table, pack
from spacy_bert_plugin.errors import CheckpointError, SettingError
from spacy_bert_plugin.heads import MaskedWordHead, NextSentenceHead
from spacy_bert_plugin.layers.stored_heads import (
    check_head,
    load_masked_word_head,
    load_next_sentence_head,
    make_masked_word_head,
)
from spacy_bert_plugin.pieces import PieceTokenizer

# Older releases of transformers script parts of DeBERTa.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

SIZES = {
    "vocab_size": 160, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 40, "max_position_embeddings": 70, "pad_token_id": 0,
}  # fmt: skip
ROBERTA = {**SIZES, "pad_token_id": 1, "type_vocab_size": 1}
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", SIZES),
    "bert-relu": ("bert", {**SIZES, "hidden_act": "relu"}),
    "roberta": ("roberta", ROBERTA),
    "xlm-roberta": ("xlm-roberta", ROBERTA),
    "camembert": ("camembert", ROBERTA),
    "electra": ("electra", {**SIZES, "embedding_size": 16}),
    "distilbert": (
        "distilbert",
        {"vocab_size": 160, "dim": 24, "n_layers": 2, "n_heads": 4, "hidden_dim": 40},
    ),
    "albert": ("albert", {**SIZES, "embedding_size": 16}),
    "mpnet": ("mpnet", {**SIZES, "pad_token_id": 1}),
    "deberta": ("deberta", {**SIZES, "hidden_act": "gelu_new"}),
    "deberta-v2": ("deberta-v2", SIZES),
    "deberta-v3": ("deberta-v2", {**SIZES, "legacy": False}),
    "modernbert": ("modernbert", {**SIZES, "local_attention": 16}),
    "ernie": ("ernie", SIZES),
    "roformer": ("roformer", {**SIZES, "embedding_size": 16}),
}
if int(transformers.__version__.split(".")[0]) < 5:
    del ARCHITECTURES["deberta-v3"]  # that release ties the wrong matrix to the piece table
IDS = [2, 9, 4, 30, 31, 3]
SaveReference = Callable[..., nn.Module]


@pytest.fixture
def save_reference(tmp_path: Path, tokenizer_json: str) -> SaveReference:
    """Save a random masked language model as transformers does, with a tokenizer."""

    def save(name: str = "bert", folder: str = "theirs", **settings: Any) -> nn.Module:
        torch.manual_seed(5)
        family, sizes = ARCHITECTURES[name]
        config = CONFIG_MAPPING[family](**{**sizes, **settings})
        model = AutoModelForMaskedLM.from_config(config).eval()
        randomize(model)
        model.save_pretrained(tmp_path / folder)
        (tmp_path / folder / "tokenizer.json").write_text(fit_tokenizer(tokenizer_json, config))
        return model

    return save


def randomize(model: nn.Module) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            is_scale = "norm" in name.lower() and name.endswith("weight")
            parameter.normal_(1.0 if is_scale else 0.0, 0.15)


def fit_tokenizer(text: str, config: Any) -> str:
    """Give [PAD] the id that the config says, by trading places with another piece."""
    data = json.loads(text)
    vocab, pad_id = data["model"]["vocab"], config.pad_token_id
    other = next(piece for piece, index in vocab.items() if index == pad_id)
    vocab["[PAD]"], vocab[other] = pad_id, vocab["[PAD]"]
    for token in data["added_tokens"]:
        token["id"] = vocab[token["content"]]
    for token in data["post_processor"]["special_tokens"].values():
        token["ids"] = [vocab[token["id"]]]
    return json.dumps(data)


def run_ours(folder: Path, *, is_own: bool = False) -> Tensor:
    checkpoint = load_checkpoint(folder, is_own=is_own)
    head = load_masked_word_head(folder, is_own=is_own)
    assert head is not None
    check_head(head, checkpoint.encoder, name="x")
    with torch.inference_mode():
        vectors = checkpoint.encoder(pack([IDS])).last
        return head(vectors, find_piece_table(checkpoint.encoder))


def run_theirs(model: nn.Module) -> Tensor:
    with torch.inference_mode():
        return model(torch.tensor([IDS])).logits[0]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_logits_are_those_of_the_reference_both_ways(
    name: str, save_reference: SaveReference, tmp_path: Path
) -> None:
    expected = run_theirs(save_reference(name))
    assert torch.allclose(run_ours(tmp_path / "theirs"), expected, atol=1e-5)
    checkpoint = load_checkpoint(tmp_path / "theirs")
    head = load_masked_word_head(tmp_path / "theirs")
    assert head is not None
    save_checkpoint(checkpoint, tmp_path / "ours", heads={"masked_words": head.state_dict()})
    assert torch.allclose(run_ours(tmp_path / "ours", is_own=True), expected, atol=1e-5)
    opened, report = AutoModelForMaskedLM.from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not report["missing_keys"]
    assert torch.allclose(run_theirs(opened.eval()), expected, atol=1e-5)
    names = json.loads((tmp_path / "ours" / "config.json").read_text())["architectures"]
    assert names == [type(opened).__name__]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_new_head_is_made_as_transformers_makes_it(
    name: str, save_reference: SaveReference, tmp_path: Path
) -> None:
    save_reference(name)
    made = make_masked_word_head(load_checkpoint(tmp_path / "theirs"))
    loaded = load_masked_word_head(tmp_path / "theirs")
    assert loaded is not None
    assert made.sizes == loaded.sizes
    assert made.state_dict().keys() == loaded.state_dict().keys()


def test_both_heads_are_those_of_bert_for_pretraining(tmp_path: Path, tokenizer_json: str) -> None:
    torch.manual_seed(3)
    sizes = {"width": 24, "n_layers": 2, "n_heads": 4, "hidden_width": 40, "n_positions": 32}
    checkpoint = build_checkpoint(sizes, PieceTokenizer.from_json(tokenizer_json))
    words, sentences = make_masked_word_head(checkpoint), NextSentenceHead(24)
    randomize(words)
    heads = {"masked_words": words.state_dict(), "next_sentence": sentences.state_dict()}
    save_checkpoint(checkpoint, tmp_path / "both", heads=heads)
    model, report = BertForPreTraining.from_pretrained(tmp_path / "both", output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    loaded = load_next_sentence_head(tmp_path / "both", is_own=True)
    assert loaded is not None
    with torch.inference_mode():
        theirs = model.eval()(torch.tensor([IDS]))
        pooled = checkpoint.encoder.pool(checkpoint.encoder(pack([IDS])).last[:1])
        assert torch.allclose(loaded(pooled), theirs.seq_relationship_logits, atol=1e-5)
    ours = run_ours(tmp_path / "both", is_own=True)
    assert torch.allclose(ours, theirs.prediction_logits[0], atol=1e-5)


def test_gradients_and_losses_are_those_of_bert_for_pretraining(
    tmp_path: Path, tokenizer_json: str
) -> None:
    from spacy_bert_plugin.checkpoints.names import to_ours
    from spacy_bert_plugin.heads import masked_word_loss, next_sentence_loss

    torch.manual_seed(3)
    sizes = {"width": 24, "n_layers": 2, "n_heads": 4, "hidden_width": 40, "n_positions": 32}
    checkpoint = build_checkpoint(sizes, PieceTokenizer.from_json(tokenizer_json))
    encoder, words = checkpoint.encoder, make_masked_word_head(checkpoint)
    sentences = NextSentenceHead(24)
    heads = {"masked_words": words.state_dict(), "next_sentence": sentences.state_dict()}
    save_checkpoint(checkpoint, tmp_path / "both", heads=heads)
    model = BertForPreTraining.from_pretrained(tmp_path / "both").eval()
    labels = torch.tensor([[-100, 50, -100, 51, 52, -100]])
    theirs = model(torch.tensor([IDS]), labels=labels, next_sentence_label=torch.tensor([1]))
    theirs.loss.backward()
    vectors = encoder(pack([IDS])).last
    masked = labels[0] >= 0
    logits = words(vectors[masked], find_piece_table(encoder))
    loss = masked_word_loss(logits, labels[0][masked])
    loss = loss + next_sentence_loss(sentences(encoder.pool(vectors[:1])), torch.tensor([1]))
    loss.backward()
    assert loss.item() == pytest.approx(theirs.loss.item(), abs=1e-5)
    reference = dict(model.named_parameters())
    names = to_ours("bert", [name for name in reference if name.startswith("bert.")]).ours
    own = dict(encoder.named_parameters())
    for hub, ours in names.items():
        assert torch.allclose(own[ours].grad, reference[hub].grad, atol=1e-5), hub
    pairs = {
        "cls.predictions.bias": words.bias,
        "cls.predictions.transform.dense.weight": words.dense.weight,
        "cls.predictions.transform.LayerNorm.bias": words.norm.bias,
        "cls.seq_relationship.weight": sentences.output.weight,
    }
    for hub, param in pairs.items():
        assert torch.allclose(param.grad, reference[hub].grad, atol=1e-5), hub


def test_old_names_of_the_norm_are_read(save_reference: SaveReference, tmp_path: Path) -> None:
    expected = run_theirs(save_reference())
    path = tmp_path / "theirs" / "model.safetensors"
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in load_file(path).items()
    }
    save_file(old, path, metadata={"format": "pt"})
    assert torch.allclose(run_ours(tmp_path / "theirs"), expected, atol=1e-5)


def edit(folder: Path, change: Callable[[dict[str, Tensor]], Any]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_tied_tables_may_be_there_twice_and_others_are_refused(
    save_reference: SaveReference, tmp_path: Path
) -> None:
    expected, folder = run_theirs(save_reference()), tmp_path / "theirs"
    table = "bert.embeddings.word_embeddings.weight"
    decoder = "cls.predictions.decoder.weight"
    edit(folder, lambda tensors: tensors.update({decoder: tensors[table].clone()}))
    assert torch.allclose(run_ours(folder), expected, atol=1e-5)
    edit(folder, lambda tensors: tensors.update({decoder: tensors[table] + 1.0}))
    with pytest.raises(CheckpointError, match="a table of their own"):
        load_masked_word_head(folder)


def test_heads_of_a_kind_that_is_not_known_are_refused(
    save_reference: SaveReference, tmp_path: Path
) -> None:
    save_reference()
    folder = tmp_path / "theirs"
    more = "cls.predictions.dense.weight"
    edit(folder, lambda tensors: tensors.update({more: torch.zeros(3)}))
    with pytest.raises(CheckpointError, match=r"got cls\.predictions\.dense\.weight"):
        load_masked_word_head(folder)
    gone = "cls.predictions.transform.dense.weight"
    edit(folder, lambda tensors: (tensors.pop(more), tensors.pop(gone)))
    with pytest.raises(CheckpointError, match="all but cls"):
        load_masked_word_head(folder)
    save_reference(hidden_act="tanh")
    with pytest.raises(CheckpointError, match="'tanh'"):
        load_masked_word_head(folder)


def test_a_checkpoint_without_heads_has_none(tiny_checkpoint: Path) -> None:
    assert load_masked_word_head(tiny_checkpoint) is None
    assert load_next_sentence_head(tiny_checkpoint) is None


def test_a_head_of_another_encoder_does_not_fit(tiny_checkpoint: Path) -> None:
    encoder = load_checkpoint(tiny_checkpoint).encoder
    n = encoder.config.vocab_size
    with pytest.raises(SettingError, match=r"'vocab_size': 9"):
        check_head(MaskedWordHead(32, 9), encoder, name="fill")
    with pytest.raises(SettingError, match=r"'width': 16"):
        check_head(MaskedWordHead(16, n), encoder, name="fill")


def test_heads_that_a_family_lacks_are_not_saved(
    save_reference: SaveReference, tmp_path: Path
) -> None:
    save_reference("roberta")
    checkpoint = load_checkpoint(tmp_path / "theirs")
    state = NextSentenceHead(24).state_dict()
    with pytest.raises(SettingError, match="roberta"):
        save_checkpoint(checkpoint, tmp_path / "out", heads={"next_sentence": state})
    with pytest.raises(SettingError, match="heads"):
        save_checkpoint(checkpoint, tmp_path / "out", heads={"ner": state})
    assert not (tmp_path / "out").exists()


def test_a_head_with_numbers_that_are_not_finite_is_not_saved(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    checkpoint = load_checkpoint(tiny_checkpoint)
    head = make_masked_word_head(checkpoint)
    with torch.no_grad():
        head.bias[3] = float("nan")
    with pytest.raises(CheckpointError, match=r"cls\.predictions\.bias"):
        save_checkpoint(checkpoint, tmp_path / "out", heads={"masked_words": head.state_dict()})
    assert not (tmp_path / "out").exists()
