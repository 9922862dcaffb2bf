"""Precision is a setting that is refused where the device would be slower for it."""

import pytest
import torch

from spacy_bert_plugin.batching import check_precision, supports_bf16
from spacy_bert_plugin.errors import SettingError

CPU = torch.device("cpu")
NAMES = ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")


def test_fp32_always_works() -> None:
    assert check_precision("fp32", CPU) == torch.float32


def test_bf16_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert not supports_bf16(CPU)
    with pytest.raises(SettingError, match="hardware"):
        check_precision("bf16", CPU)
    monkeypatch.setattr(torch.cpu, NAMES[0], lambda: True)
    assert check_precision("bf16", CPU) == torch.bfloat16


def test_fp16_is_for_cuda_alone() -> None:
    with pytest.raises(SettingError, match=r"fp16.*cpu|cpu.*fp16"):
        check_precision("fp16", CPU)
    assert check_precision("fp16", torch.device("cuda")) == torch.float16


@pytest.mark.parametrize("is_supported", [False, True])
def test_int8_follows_the_processor(monkeypatch: pytest.MonkeyPatch, is_supported: bool) -> None:
    for name in ("_is_vnni_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: is_supported, raising=False)
    if is_supported:
        assert check_precision("int8", CPU) == torch.int8
    else:
        with pytest.raises(SettingError, match=r"VNNI.*bf16"):
            check_precision("int8", CPU)
    with pytest.raises(SettingError, match="cuda"):
        check_precision("int8", torch.device("cuda"))


def test_other_devices_have_no_bf16() -> None:
    assert not supports_bf16(torch.device("mps"))


@pytest.mark.parametrize("name", ["fp64", "", "BF16", "int4"])
def test_unknown_precision_is_an_error(name: str) -> None:
    with pytest.raises(SettingError, match="precision"):
        check_precision(name, CPU)


@pytest.mark.parametrize("is_supported", [False, True])
def test_auto_is_the_fastest_that_keeps_the_range(
    monkeypatch: pytest.MonkeyPatch, is_supported: bool
) -> None:
    for name in NAMES:
        monkeypatch.setattr(torch.cpu, name, lambda: is_supported, raising=False)
    expected = torch.bfloat16 if is_supported else torch.float32
    assert check_precision("auto", CPU) == expected
