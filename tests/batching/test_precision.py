"""Precision is a setting that is refused where the device would be slower for it."""

import pytest
import torch

from spacy_bert_plugin.batching import autocast_for_training, check_precision, supports_bf16
from spacy_bert_plugin.errors import SettingError

CPU = torch.device("cpu")


def test_fp32_always_works() -> None:
    assert check_precision("fp32", CPU) == torch.float32


def test_bf16_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")
    for name in names:
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert not supports_bf16(CPU)
    with pytest.raises(SettingError, match="hardware"):
        check_precision("bf16", CPU)
    monkeypatch.setattr(torch.cpu, names[0], lambda: True)
    assert check_precision("bf16", CPU) == torch.bfloat16


def test_other_devices_have_no_bf16() -> None:
    assert not supports_bf16(torch.device("mps"))


@pytest.mark.parametrize("name", ["fp64", "", "BF16", "int8"])
def test_unknown_precision_is_an_error(name: str) -> None:
    with pytest.raises(SettingError, match="precision"):
        check_precision(name, CPU)


def test_training_in_fp32_changes_nothing_and_bf16_casts() -> None:
    x = torch.ones(2, 2)
    with autocast_for_training(torch.float32, CPU):
        assert (x @ x).dtype == torch.float32
    with autocast_for_training(torch.bfloat16, CPU):
        assert (x @ x).dtype == torch.bfloat16
