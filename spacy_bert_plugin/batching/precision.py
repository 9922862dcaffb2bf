"""In which number format the encoder computes, and whether this device can do it well."""

import torch

from ..errors import Errors, SettingError

_DTYPES = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "int8": torch.int8,
}
PRECISIONS = ("fp32", "bf16", "fp16", "int8", "auto")


def supports_bf16(device: torch.device) -> bool:
    """Say whether bfloat16 is computed in hardware: without it, it is slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")
    checks = [getattr(torch.cpu, name, None) for name in names]
    return any(check is not None and check() for check in checks)


def supports_int8(device: torch.device) -> bool:
    """Say whether sums of products of 8-bit integers are computed in hardware."""
    if device.type != "cpu":
        return False
    names = ("_is_vnni_supported", "_is_amx_tile_supported")
    checks = [getattr(torch.cpu, name, None) for name in names]
    return any(check is not None and check() for check in checks)


def check_precision(precision: str, device: torch.device) -> torch.dtype:
    """Turn the setting into a dtype.

    precision (str): "fp32" (exact, the default), "bf16", "fp16" on CUDA, "int8" on processors, or
        "auto": "bf16" where the device computes it in hardware, "fp32" elsewhere.
    device (torch.device): Where the encoder runs.
    RETURNS (torch.dtype): For "int8" that of the linear maps; what lies between them is computed
        in the type of "auto".
    RAISES (SettingError): The name is unknown, or the device does not compute in that format.
    """
    if precision not in PRECISIONS:
        raise SettingError(
            Errors.SB002.format(
                name="precision", expected=" or ".join(map(repr, PRECISIONS)), got=precision
            )
        )
    if precision == "auto":
        return torch.bfloat16 if supports_bf16(device) else torch.float32
    if precision == "bf16" and not supports_bf16(device):
        raise SettingError(Errors.SB251.format(device=device))
    if precision == "fp16" and device.type != "cuda":
        raise SettingError(Errors.SB252.format(device=device))
    if precision == "int8" and not supports_int8(device):
        raise SettingError(Errors.SB253.format(device=device))
    return _DTYPES[precision]
