"""The device at hand, measured."""

import time
from collections.abc import Callable

from repro.planning.device import TRIALS, Device, Trained
from repro.provenance import device_name

SECONDS = 3.0  # of training each network


def measure(where: str, told: Callable[[str], None], seconds: float = SECONDS) -> Device:
    """Measures a device that torch calls ``where``; ``told`` is called with what is measured next."""
    from repro.training import rates

    told("product, convolution, copy, launch")
    found = rates.rates(where)
    flops = {precision: found[precision] for precision in rates.PRECISIONS if precision in found}
    flops["float32"] = max(flops["float32"], found["convolution"])  # a product is not always the faster of the two
    trained = []
    for spec in TRIALS:
        told(spec.network)
        trained.append(Trained(spec=spec, seconds=rates.step_seconds(spec, where, seconds)))
    kind, name, version = rates.names(where)
    return Device(
        name=device_name(kind) or name,
        kind="cuda" if kind == "cuda" else "cpu",
        flops=flops,
        half=rates.CHANNELS * (flops["float32"] / found["convolution"] - 1),
        bandwidth=found["copy"],
        launch=1 / found["launch"],
        source=f"measured {time.strftime('%Y-%m-%d')} with torch {version}",
        measured=True,
        trained=tuple(trained),
    )
