"""The document: the contents of verdicts.json, which is everything that a report may read."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from repro import __version__
from repro.check import Check, judging_code
from repro.claim import TAGS
from repro.collecting.catalogue import Row
from repro.collecting.works import works
from repro.compare import RULES_VERSION
from repro.judging.claims import claims_table
from repro.judging.coverage import coverage
from repro.judging.distances import distances
from repro.judging.document_types import (
    SCHEMA_VERSION,
    DataRead,
    Document,
    Environment,
    Registration,
    RunRow,
    Suite,
    TotalCost,
)
from repro.judging.judge import judge
from repro.judging.measures import measures
from repro.judging.multiverse import multiverses
from repro.judging.protocol import beside_runs
from repro.judging.redrawn import redrawn_figures
from repro.judging.unjudged import unjudged
from repro.judging.verdict import Judgement, Verdict, to_json
from repro.planning.needs import ScaleNeeds, trains_nothing
from repro.runs.datasets import DATASETS
from repro.runs.spec import TRAINING_VERSION
from repro.runs.store import Run, Store

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Checks judged by a store: the contents of verdicts.json, its judgements, and faults of runs without a verdict."""

    contents: Json
    judgements: list[Judgement]
    faults: list[str]


def document(
    checks: Sequence[Check],
    store: Store,
    scale: str,
    *,
    controls: Sequence[Check] = (),
    thorough: bool = False,
    cluster: Mapping[str, Any] | None = None,
    rows_of_catalogue: Sequence[Row] = (),
    scales: Sequence[ScaleNeeds] = (),
    pointless: Mapping[str, str] | None = None,
    missing_seconds: Mapping[str, float] | None = None,
    registration: Registration | None = None,
) -> Judged:
    """Judges checks and builds the contents of verdicts.json: a function of claims and stored runs, without a clock.

    ``pointless`` and ``missing_seconds`` are as for ``coverage``. ``cluster`` is the account of GPU-hours.
    ``thorough`` reads every file of every run.
    """
    rows = judge(checks, store, controls=controls, thorough=thorough)
    runs = _runs(checks, rows, store)
    waiting_runs, faults = unjudged(checks, {run.spec.key for run, _ in runs}, store, thorough=thorough)
    every, asking = [*(run for run, _ in runs), *waiting_runs], _asking(checks)
    claims = claims_table(rows, checks)
    waiting = [row for row in rows if row.verdict is Verdict.PENDING]
    for_runs = {row.claim for row in waiting if row.missing}
    withheld = {row.claim: row.why for row in waiting if row.claim not in for_runs}
    made = Document(
        schema_version=SCHEMA_VERSION,  # type: ignore[arg-type]
        scale=scale,  # type: ignore[arg-type]
        suite=Suite(
            version=__version__,
            rules_version=RULES_VERSION,
            training_version=TRAINING_VERSION,
            judging_code_sha256=judging_code(),
        ),
        works=beside_runs(works(checks), checks),
        figures=redrawn_figures(checks),
        tags=TAGS,
        protocol=_protocol(checks) | {"scale": scale},
        scales=tuple(scales),
        coverage=coverage(
            rows_of_catalogue, claims, pointless=pointless, missing_seconds=missing_seconds, withheld=withheld
        ),
        claims=tuple(claims),
        judgements=tuple(rows),
        runs=tuple(_run(run, wanted, asking) for run, wanted in runs),
        waiting=tuple(_run(run, [], asking) for run in waiting_runs),
        environment=tuple(_environment(every)),
        data=tuple(_data(every)),
        cost=_cost(every),
        cluster=None if cluster is None else dict(cluster),
        multiverses=multiverses(checks, rows, store),
        distances=distances(checks, rows, store),
        registration=registration,
    )
    return Judged(contents=to_json(made), judgements=rows, faults=faults)


def _runs(checks: Sequence[Check], rows: Sequence[Judgement], store: Store) -> list[tuple[Run, list[str]]]:
    """The complete runs behind some judgements, each once, with the checks that use it."""
    wanted: dict[str, list[str]] = {}
    for row in rows:
        for entry in row.runs:
            needed = wanted.setdefault(entry.key, [])
            if row.check not in needed:
                needed.append(row.check)
    specs = {key: spec for check in checks for key, spec in check.runs(check.looks[-1]).items()}
    return [
        (store.run(specs[key]), needed) for key, needed in sorted(wanted.items(), key=lambda item: specs[item[0]].name)
    ]


def _asking(checks: Sequence[Check]) -> dict[str, tuple[str, ...]]:
    """The ids of the claims that ask for a run, by its key."""
    found: dict[str, dict[str, None]] = {}
    for check in checks:
        for key in check.runs(check.looks[-1]):
            found.setdefault(key, {})[check.claim.id] = None
    return {key: tuple(claims) for key, claims in found.items()}


def _run(run: Run, wanted: list[str], asking: Mapping[str, tuple[str, ...]]) -> RunRow:
    return RunRow(
        key=run.spec.key,
        name=run.spec.name,
        outcome=run.record["outcome"],
        seconds=run.record.get("seconds"),
        images_per_second=run.record.get(f"{DATASETS[run.spec.dataset].unit}_per_second"),
        peak_memory_bytes=run.record["parts"][-1].get("peak_memory_bytes"),
        device=run.record["parts"][-1]["device"],
        parts=len(run.record["parts"]),
        digest=run.digest,
        tensors=run.has_tensors,
        checks=tuple(wanted),
        claims=asking[run.spec.key],
        spec=to_json(run.spec),
        measures=measures(run),
        top1_by_epoch=tuple(row["test_top1"] for row in run.history),
    )


def _environment(runs: Iterable[Run]) -> list[Environment]:
    """Each distinct combination of code, versions and device, with its number of parts."""
    fields = ("commit", "code", "torch", "python", "device", "device_type", "threads", "cores")
    counts = Counter(tuple((name, part[name]) for name in fields) for run in runs for part in run.record["parts"])
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return [Environment(**dict(key), parts=count) for key, count in ordered]


def _data(runs: Iterable[Run]) -> list[DataRead]:
    counts: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
    for run in runs:
        for dataset in run.spec.reads if "data" in run.record else ():
            of = {split: name for name, (read, split) in run.spec.fingerprinted.items() if read == dataset}
            counts[dataset, tuple(sorted((split, run.record["data"][name]) for split, name in of.items()))] += 1
    return [
        DataRead(dataset=name, fingerprints=dict(prints), runs=count)
        for (name, prints), count in sorted(counts.items())
    ]


def _cost(runs: Sequence[Run]) -> TotalCost:
    trained = [run for run in runs if run.spec.rows]
    untrained = sum(trains_nothing(run.spec) for run in trained)
    worked = [
        part["processor_seconds"] for run in trained for part in run.record["parts"] if "processor_seconds" in part
    ]
    return TotalCost(
        runs=len(runs),
        trained=len(trained) - untrained,
        untrained=untrained,
        device_seconds=round(math.fsum(run.record["seconds"] for run in trained), 1),
        processor_seconds=round(math.fsum(worked), 1) if worked else None,
        peak_memory_bytes=max((run.record["parts"][-1]["peak_memory_bytes"] for run in trained), default=None),
    )


def _setting(value: object) -> str:
    """A field of a spec in words: "1 to 96" for whole numbers in a row."""
    if not isinstance(value, tuple):
        return str(value)
    whole = len(value) > 2 and all(type(one) is int for one in value)
    in_a_row = whole and value == tuple(range(value[0], value[0] + len(value)))
    return f"{value[0]} to {value[-1]}" if in_a_row else ", ".join(map(str, value)) or "none"


def _protocol(checks: Sequence[Check]) -> dict[str, str]:
    """What the trained runs of some checks have in common: each setting of which there are at most three values."""
    found: dict[str, set[str]] = {}
    for spec in [spec for check in checks for spec in check.runs(1).values() if spec.rows]:
        for one in fields(spec):
            found.setdefault(one.name, set()).add(_setting(getattr(spec, one.name)))
    return {name: " or ".join(sorted(texts)) for name, texts in found.items() if name != "seed" and len(texts) <= 3}
