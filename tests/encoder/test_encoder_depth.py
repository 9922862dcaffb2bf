"""Parameters by depth: embeddings first, pooler last."""

import pytest
import torch
from encoder_reference import make_windows

from spacy_bert_plugin.encoder import BertEncoder, freeze_layers, group_by_depth, pack
from spacy_bert_plugin.errors import SettingError


def test_groups_hold_every_parameter_once(bert: BertEncoder) -> None:
    groups = group_by_depth(bert)
    assert len(groups) == bert.config.n_layers + 1
    names = [name for group in groups for name, _ in group]
    assert sorted(names) == sorted(name for name, _ in bert.named_parameters())
    assert all(name.startswith("embeddings.") for name, _ in groups[0])
    for depth, group in enumerate(groups[1:], start=1):
        outside = [name for name, _ in group if not name.startswith(f"layers.{depth - 1}.")]
        assert outside == (["pooler.weight", "pooler.bias"] if depth == 3 else [])


@pytest.mark.parametrize(("n_layers", "frozen"), [(0, 0), (1, 2), (3, 4), (-1, 4), ("all", 4)])
def test_lowest_layers_get_no_gradient(bert: BertEncoder, n_layers: int, frozen: int) -> None:
    freeze_layers(bert, n_layers)
    for depth, group in enumerate(group_by_depth(bert)):
        for name, parameter in group:
            is_pooler = name.startswith("pooler.")
            expected = depth >= frozen or (is_pooler and n_layers == 3)
            assert parameter.requires_grad == expected, name


def test_frozen_layers_are_left_alone_by_an_update(bert: BertEncoder) -> None:
    freeze_layers(bert, 2)
    before = {name: p.detach().clone() for name, p in bert.named_parameters()}
    bert(pack(make_windows([9, 4]))).last.square().sum().backward()
    torch.optim.SGD([p for p in bert.parameters() if p.requires_grad], lr=0.1).step()
    changed = {n.split(".")[1] for n, p in bert.named_parameters() if not torch.equal(p, before[n])}
    assert changed == {"2"}


@pytest.mark.parametrize("n_layers", [4, -2, 1.0, "some", None, True])
def test_impossible_numbers_are_refused(bert: BertEncoder, n_layers: int) -> None:
    with pytest.raises(SettingError, match="from 0 to 3"):
        freeze_layers(bert, n_layers)
    assert all(parameter.requires_grad for parameter in bert.parameters())
