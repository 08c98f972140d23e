"""What can be trained here: which runs this machine has the devices and the data for, and why it leaves out others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repro.errors import DataError, ReproError, SpecError
from repro.executing.devices import processes
from repro.planning.plan import Plan, Planned
from repro.planning.quantities import counted
from repro.runs.datasets import DATASETS, check_data_present

FEW = 3  # claims that a line names


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Missing runs that this machine cannot train, all for the same reason."""

    runs: tuple[Planned, ...]
    why: ReproError  # what they need, what there is, and what to do
    mendable: bool  # by a command, or by naming another folder: then nothing is trained before it is

    @property
    def claims(self) -> tuple[str, ...]:
        """The ids of the claims that need them."""
        return tuple(dict.fromkeys(check.claim.id for run in self.runs for check in run.checks))

    @property
    def line(self) -> str:
        """How many runs, for which claims, and why, in one line."""
        named = ", ".join(self.claims[:FEW]) + (f" and {len(self.claims) - FEW} more" * (len(self.claims) > FEW))
        count = counted(len(self.runs), "run")
        return f"{'cannot be trained yet' if self.mendable else 'left out'}: {count} for {named}: {self.why}"


def left_out(made: Plan, found: tuple[str, ...] | None, data_dir: Path) -> tuple[LeftOut, ...]:
    """The missing runs of a plan that cannot be trained on some devices, with the data of a folder, by reason.

    Without devices (None) there are as many as a run takes: on a cluster.
    """
    data = {name: _lacks_data(name, data_dir) for name in {run.spec.dataset for run in made.missing if run.spec.rows}}
    by_reason: dict[ReproError, list[Planned]] = {}
    devices: dict[int, SpecError | None] = {}
    for run in made.missing:
        count = run.spec.devices
        why = devices.setdefault(count, _lacks_devices(count, found)) or data.get(run.spec.dataset)
        if why is not None and run.spec.rows:
            by_reason.setdefault(why, []).append(run)
    return tuple(
        # Data sets in files are large, behind a licence, and fetched by no command: that they are missing is usual.
        LeftOut(
            runs=tuple(runs),
            why=why,
            mendable=isinstance(why, DataError) and not DATASETS[runs[0].spec.dataset].in_files,
        )
        for why, runs in by_reason.items()
    )


def refuse(made: Plan, left: Sequence[LeftOut], *, named: Collection[str], strict: bool) -> None:
    """Refuses to leave out what can be mended, what was asked for by id, all that is planned, and, if strict, anything.

    Raises:
        ReproError: the first reason, with a run that it keeps from being trained.
    """
    for one in left:
        if one.mendable:
            raise one.why
    everything = sum(len(one.runs) for one in left) == sum(run.spec.rows > 0 for run in made.runs)
    for one in left:
        asked = [run for run in one.runs if any({check.id, check.claim.id} & {*named} for check in run.checks)]
        if strict or everything or asked:
            name = (asked or one.runs)[0].spec.name
            raise type(one.why)(f"{name} cannot be trained here: {one.why}")


def without(made: Plan, left: Sequence[LeftOut]) -> Plan:
    """A plan without what is left out."""
    absent = {run.spec.key for one in left for run in one.runs}
    return replace(made, runs=tuple(run for run in made.runs if run.spec.key not in absent)) if absent else made


def to_json(left: Sequence[LeftOut]) -> list[dict[str, Any]]:
    """What is left out, as JSON values."""
    return [{"runs": len(one.runs), "claims": list(one.claims), "why": str(one.why)} for one in left]


def _lacks_devices(count: int, found: tuple[str, ...] | None) -> SpecError | None:
    if found is None or count <= max(1, there := processes(found)):
        return None
    what = "cores" if found == ("cpu",) else "GPUs"
    return SpecError(
        f"a run takes {count} {what} at once, but there {'is' if there == 1 else 'are'} {there}; train on a cluster: "
        "repro submit."
    )


def _lacks_data(dataset: str, data_dir: Path) -> DataError | None:
    try:
        check_data_present(dataset, data_dir)
    except DataError as error:
        return error
    return None
