"""Runs with another layer in BatchNorm's place, as peerthum2023 compares them, at each of the three scales.

Of its protocol only the networks, "a standard image dataset" and "multiple batch sizes" could be read. The rest is
frankle2021's CIFAR-10 protocol, with γ = 1 and β = 0 at the start, as PyTorch, which the paper names, has them.
"""

import dataclasses
from functools import lru_cache

from repro.recipes.resnets import cifar
from repro.runs.resnet_spec import ResNetSpec

# ResNet-18 to ResNet-101 in their form for CIFAR cost hours of a GPU each; elsewhere it is the smallest CIFAR ResNet.
LAYERED_DEPTHS = {"smoke": (8,), "pilot": (8,), "paper": (18, 34, 50, 101)}
LAYERED_BATCH = {"smoke": 60, "pilot": 128, "paper": 128}  # of the protocol, which its learning rate was chosen for
BATCHES = {"smoke": (60,), "pilot": (128,), "paper": (16, 32, 64, 128, 256, 512)}


@lru_cache(maxsize=None, typed=True)
def layered(
    scale: str,
    seed: int,
    *,
    depth: int,
    norm: str = "batchnorm",
    trained: str = "all",
    batch_size: int | None = None,
) -> ResNetSpec:
    """One replicate of a network with a layer in BatchNorm's place; the scale's own batch size unless given.

    Raises:
        SpecError: unknown scale, or a value that no network has.
    """
    small = scale != "paper"
    spec = cifar(scale, seed, depth=depth if small else 14, trained=trained, norm=norm, norm_init="ones")
    batch = batch_size or LAYERED_BATCH[scale]
    if small:
        return dataclasses.replace(spec, batch_size=batch)
    return dataclasses.replace(spec, family="imagenet-resnet-3x3", depth=depth, batch_size=batch)
