"""``repro bench``: measures this device, so that cost estimates fit it, and keeps the figures beside the store."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from repro.cli import shared
from repro.cli.output import show

if TYPE_CHECKING:
    from repro.planning.device import Device
    from repro.runs.store import Store


def bench(arguments: argparse.Namespace) -> int:
    """Measures a product, a convolution, a copy, a launch and short trainings; takes about a minute."""
    from repro.executing.bench import measure
    from repro.executing.devices import devices, refuse_absent
    from repro.planning import device

    refuse_absent(arguments.device)
    name, store = devices(arguments.device)[0], shared.store(arguments)
    device.make_room(store.root)
    show(f"Measuring {name} for about a minute; other work on this machine makes the figures worse.")
    found = measure(name, lambda what: show(f"  {what} …"))
    file, off = device.save(store.root, found), ratios(found, store)
    arguments.tell(
        lambda: device.to_json(found) | {"file": str(file), "estimate_by_record": off},
        [*lines(found), *([_off(off)] if off else [])],
    )
    show(f"{file} written. Next: repro plan --scale paper")
    return 0


def lines(found: "Device") -> Iterator[str]:
    """What was measured, a line a figure."""
    from repro.planning.work import work

    rates = ", ".join(f"{rate / 1e9:,.0f} GFLOP/s ({precision})" for precision, rate in found.flops.items())
    yield f"{found.words}: {rates}; copy {found.bandwidth / 1e9:,.1f} GB/s; {1e6 * found.launch:.1f} µs a launch"
    for one in found.trained:
        share = found.limit(work(one.spec)[0]) / one.seconds
        yield (
            f"{one.spec.network}: {1000 * one.seconds:.3g} ms a step of {one.spec.batch_size}; the limit by these "
            f"figures is {share:.0%} of it"
        )


def ratios(found: "Device", store: "Store") -> list[float]:
    """By how much the estimates for the runs of a store that were timed on such a device exceed what they took."""
    from repro.planning.cost import estimator
    from repro.planning.plan import timed

    cost = estimator((), found)
    return sorted(cost(one.spec).seconds / one.seconds for one in timed(store, found.kind) if one.seconds)


def _off(ratios: list[float]) -> str:
    from statistics import median

    return (
        f"estimate by record of {len(ratios)} runs in the store: median {median(ratios):.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )
