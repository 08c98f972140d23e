"""What "float32", "tf32" and "bfloat16" mean on a device."""

from contextlib import AbstractContextManager, nullcontext

import torch

from repro.errors import SpecError


def arithmetic(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """The context for a forward pass in a precision; the backward pass, outside it, follows.

    "float32" is IEEE's. Torch lets convolutions and recurrent layers on recent GPUs round their factors to 10 bits
    (TF32) unless told otherwise: that is a precision of its own.

    Raises:
        SpecError: the device lacks the precision.
    """
    if precision == "tf32" and device.type != "cuda":
        raise SpecError("precision is 'tf32', which only NVIDIA GPUs have; on this machine, name --device cuda.")
    factors = "tf32" if precision == "tf32" else "ieee"
    torch.backends.cuda.matmul.fp32_precision = factors
    torch.backends.cudnn.conv.fp32_precision = factors  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn.fp32_precision = factors  # type: ignore[attr-defined]
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
