"""Models that are no encoders of text, or odd ones, are found out before they are used."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from architectures import WARNINGS, build_model
from encoder_reference import make_windows, measure_difference
from torch import Tensor, nn

from spacy_bert_plugin.encoder import pack
from spacy_bert_plugin.encoder.adapter import GLOBAL_FIRST, LEAKING, AutoModelAdapter
from spacy_bert_plugin.errors import SettingError

pytestmark = [pytest.mark.filterwarnings(text) for text in WARNINGS]
Mix = Callable[[Tensor, Tensor], Any]


class Odd(nn.Module):
    """A model of one table whose vectors are mixed by a function."""

    def __init__(self, mix: Mix, **settings: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.mix = nn.Embedding(30, 4), mix
        sizes = {"vocab_size": 30, "hidden_size": 4, "num_hidden_layers": 1}
        self.config = SimpleNamespace(model_type="odd", pad_token_id=0, **sizes, **settings)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, output_hidden_states: bool,
        return_dict: bool,
    ) -> Any:  # fmt: skip
        x = self.table(input_ids)
        result = self.mix(x, attention_mask)
        hidden = (x, result) if output_hidden_states else None
        return SimpleNamespace(last_hidden_state=result, hidden_states=hidden)


def mean(x: Tensor, mask: Tensor) -> Tensor:
    return x + (x * mask[..., None]).sum(1, keepdim=True) / mask.sum(1)[:, None, None]


def leak(x: Tensor, mask: Tensor) -> Tensor:
    return x + x.mean(1, keepdim=True)


@pytest.mark.parametrize(("mix", "use_padding"), [(mean, True), (leak, False)])
def test_padding_is_used_where_it_does_no_harm(mix: Mix, use_padding: bool) -> None:
    adapter = AutoModelAdapter(Odd(mix))
    assert adapter.use_padding == use_padding
    windows = [[5, 6, 7], [8], [9, 10, 11], [12, 13]]
    together = adapter(pack(windows)).last.split([3, 1, 3, 2])
    for window, found in zip(windows, together, strict=True):
        expected = mix(adapter.model.table(torch.tensor([window])), torch.ones(1, len(window)))[0]
        assert measure_difference(found, expected) <= 1e-6


@pytest.mark.parametrize(
    ("mix", "problem"),
    [
        (lambda x, mask: torch.randn_like(x), "Odd gave other vectors"),
        (lambda x, mask: x[:, :2], r"\(1, 3, 4\).*from Odd, but got one of shape \(1, 2, 4\)"),
        (lambda x, mask: x[..., :2], r"from Odd, but got one of shape \(1, 3, 2\)"),
        (lambda x, mask: None, "from Odd, but got none"),
        (lambda x, mask: x @ x, "Odd could not encode a short text from its pieces alone: Exp"),
    ],
)
def test_models_that_cannot_be_used(mix: Mix, problem: str) -> None:
    with pytest.raises(SettingError, match=problem):
        AutoModelAdapter(Odd(mix))


def test_layers_that_are_no_vectors_of_pieces_are_refused() -> None:
    odd = Odd(mean)
    odd.config.num_hidden_layers = 2  # it hands out one less
    adapter = AutoModelAdapter(odd)
    assert adapter(pack([[5, 6]])).last.shape == (2, 4)
    with pytest.raises(SettingError, match=r'Odd does not give.*keep = "tokens"'):
        adapter(pack([[5, 6]]), use_all_layers=True)


def test_windows_of_one_piece_are_enough() -> None:
    assert AutoModelAdapter(Odd(mean, max_position_embeddings=1)).config.max_pieces == 1


@pytest.mark.parametrize("name", sorted(LEAKING))
def test_what_leaks_is_seen_without_the_list(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_bert_plugin.encoder.adapter.LEAKING", frozenset())
    assert not AutoModelAdapter(build_model(name)).use_padding


def test_first_piece_of_a_longformer_may_attend_to_all() -> None:
    windows = make_windows([30, 9])
    plain = AutoModelAdapter(build_model("longformer"))
    adapter = AutoModelAdapter(build_model("longformer", **{GLOBAL_FIRST: True}))
    reference = build_model("longformer")
    with torch.inference_mode():
        found = adapter(pack(windows)).last.split([30, 9])
        for window, vectors in zip(windows, found, strict=True):
            ids = torch.tensor([window])
            mask = torch.zeros_like(ids)
            mask[0, 0] = 1
            expected = reference(ids, global_attention_mask=mask).last_hidden_state[0]
            assert measure_difference(vectors, expected) <= 1e-5
        assert measure_difference(plain(pack(windows)).last[:30], found[0]) > 1e-3
