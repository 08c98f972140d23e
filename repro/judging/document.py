"""verdicts.json: the judgements, and all else that a report may read, as one document."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from repro import __version__
from repro.claim import TAGS, Check, judging_code
from repro.collecting.catalogue import Row
from repro.compare import RULES_VERSION
from repro.errors import StoreError
from repro.judging.claims import claims_table
from repro.judging.coverage import coverage
from repro.judging.judge import judge
from repro.judging.models import (
    SCHEMA_VERSION,
    Cost,
    DataRead,
    Document,
    Environment,
    Registration,
    RunRow,
    Suite,
)
from repro.judging.multiverse import multiverses
from repro.judging.schema import fault
from repro.judging.verdict import Judgement, to_json
from repro.planning.scales import ScaleNeeds
from repro.recipes import schedule
from repro.runs.files import explain_write_errors, read_plain, write
from repro.runs.spec import TRAINING_VERSION
from repro.runs.store import Run, Store

Json = dict[str, Any]


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
) -> tuple[Json, list[Judgement]]:
    """Judges checks and puts together what verdicts.json holds: a function of claims and stored runs, no clock.

    ``pointless`` and ``missing_seconds`` are what ``coverage`` takes, ``scales`` what each scale needs. ``cluster`` is
    the account of GPU-hours, which the caller has from the cluster room.
    """
    rows = judge(checks, store, controls=controls, thorough=thorough)
    runs = _runs(checks, rows, store)
    claims = claims_table(rows, checks)
    made = Document(
        schema_version=SCHEMA_VERSION,  # type: ignore[arg-type]
        scale=scale,  # type: ignore[arg-type]
        suite=Suite(
            version=__version__,
            rules_version=RULES_VERSION,
            training_version=TRAINING_VERSION,
            judging_code_sha256=judging_code(),
        ),
        tags=TAGS,
        protocol=vars(schedule(scale)) | {"scale": scale},
        scales=tuple(scales),
        coverage=coverage(rows_of_catalogue, claims, pointless=pointless, missing_seconds=missing_seconds),
        claims=tuple(claims),
        judgements=tuple(rows),
        runs=tuple(_run(run, wanted) for run, wanted in runs),
        environment=tuple(_environment(run for run, _ in runs)),
        data=tuple(_data(run for run, _ in runs)),
        cost=_cost([run for run, _ in runs]),
        cluster=None if cluster is None else dict(cluster),
        multiverses=multiverses(checks, rows, store),
        registration=registration,
    )
    return to_json(made), rows


def save(made: Json, path: Path) -> None:
    """Writes a document by rename.

    Raises:
        StoreError: the file there has verdicts at this scale that this document leaves out, or rests on runs while
            every verdict of this one is pending, or cannot be written.
    """
    left_out, lost = _left_out(made, path)
    if lost and {row["verdict"] for row in made["judgements"]} == {"PENDING"}:
        raise StoreError(
            f"{path} rests on {lost} runs, and this store lacks runs for every verdict; name theirs with --results, "
            "another folder with --report, or delete that file first."
        )
    if left_out:
        raise StoreError(
            f"{path} has {len(left_out)} verdicts that this selection leaves out, such as {left_out[0]}; name another "
            "folder with --report, judge everything, or delete that file first."
        )
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write(path, text(made).encode())


def load(path: Path) -> Json:
    """A document that ``save`` wrote.

    Raises:
        StoreError: there is none, or a field is missing or of another type.
    """
    try:
        made = json.loads(read_plain(path).decode())
        version = made["schema_version"]
    except FileNotFoundError:
        raise StoreError(f"{path} is missing; make it with: repro judge.") from None
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        raise StoreError(f"{path} is no verdicts.json ({error}); make it again with: repro judge.") from None
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {version}; this suite reads {SCHEMA_VERSION}. Judge again: repro judge."
        )
    wrong = fault(made)
    if wrong:
        raise StoreError(f"{path} is no verdicts.json ({wrong}); make it again with: repro judge.")
    found: Json = made
    return found


def verify(path: Path, fresh: Json, *, page: Callable[[Json], bytes] | None = None) -> tuple[list[str], int]:
    """What a stored document says besides what was computed afresh, line by line, and what to exit with.

    ``page`` renders the report.html of a document; it is compared where there is one beside the document. Exit codes:
    2: something differs; 3: nothing differs, and some verdicts are pending or blocked, or there is none; 0: all agree.
    """
    told = differences(path, fresh)
    if page is not None:
        told += _page_differs(path, page)
    count = len(fresh["judgements"])
    if told:
        return [*told, f"{path}: {len(told)} differences from what the runs give"], 2
    if not count:
        return [f"{path}: there is no verdict to verify"], 3
    waiting = Counter(row["verdict"] for row in fresh["judgements"] if row["verdict"] in ("PENDING", "BLOCKED"))
    if waiting:
        words = " and ".join(f"{number} {word}" for word, number in sorted(waiting.items()))
        rest = count - waiting.total()
        return [f"{path}: {rest} of {count} verdicts are as computed from the runs; {words}"], 3
    return [f"{path}: all {count} verdicts are as computed from the runs"], 0


def _page_differs(path: Path, page: Callable[[Json], bytes]) -> list[str]:
    """One line where there is a report.html beside a document that is not its page."""
    report = path.with_name("report.html")
    try:
        if not report.exists() or read_plain(report) == page(load(path)):
            return []
    except OSError as error:
        return [f"{report} cannot be read ({error.strerror}); make it again with: repro report"]
    except StoreError as error:
        return [str(error)]
    return [f"{report} is not what {path.name} gives; make it again with: repro report"]


def differences(path: Path, fresh: Json) -> list[str]:
    """Where a stored document departs from a fresh one, one line each: row, field, stored and fresh value.

    What jobs cost on a cluster is compared where this store knows it: runs that were imported come without. What is
    still to be paid is not compared: it is an estimate for the machine that makes it.
    """
    stored = load(path)
    prices = {row["id"]: row["seconds"] for row in stored["coverage"]}
    fresh = {
        **fresh,
        "cluster": fresh["cluster"] if fresh["cluster"] is not None else stored["cluster"],
        "coverage": [{**row, "seconds": prices.get(row["id"])} for row in fresh["coverage"]],
        "scales": stored["scales"],
    }
    told = []
    for part, name in (("judgements", "check"), ("claims", "claim"), ("runs", "key"), ("coverage", "id")):
        old, new = ({str(row.get(name)): row for row in made.get(part, [])} for made in (stored, fresh))
        for key in sorted(old.keys() | new.keys()):
            told += [f"{part} {key}: {line}" for line in _compare(old.get(key), new.get(key))]
    rest = {"judgements", "claims", "runs", "coverage"}
    told += _compare(
        {k: v for k, v in stored.items() if k not in rest}, {k: v for k, v in fresh.items() if k not in rest}
    )
    if not told and path.read_bytes() != text(fresh).encode():
        told.append(f"{path} holds the same values in other bytes: it was edited")
    return told


def text(made: Json) -> str:
    """A document as it is written."""
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _left_out(made: Json, path: Path) -> tuple[list[str], int]:
    """Of the document at a path, if it has the same scale: which checks another one leaves out, and how many runs."""
    try:
        stored = load(path)
    except StoreError:
        return [], 0
    if stored["scale"] != made["scale"]:
        return [], 0
    kept = {row["check"] for row in made["judgements"]}
    return sorted(row["check"] for row in stored["judgements"] if row["check"] not in kept), len(stored["runs"])


def _compare(old: Any, new: Any) -> list[str]:
    if old == new:
        return []
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [f"stored {_short(old)}, computed {_short(new)}"]
    return [
        f"{key}: stored {_short(old.get(key))}, computed {_short(new.get(key))}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _short(value: Any) -> str:
    shown = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 160 else shown[:157] + "…"


def _runs(checks: Sequence[Check], rows: Sequence[Judgement], store: Store) -> list[tuple[Run, list[str]]]:
    """The complete runs behind some judgements, each once, with the checks that rest on it."""
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


def _run(run: Run, wanted: list[str]) -> RunRow:
    return RunRow(
        key=run.spec.key,
        name=run.spec.name,
        outcome=run.record["outcome"],
        seconds=run.record.get("seconds"),
        images_per_second=run.record.get("images_per_second"),
        peak_memory_bytes=run.record["parts"][-1].get("peak_memory_bytes"),
        device=run.record["parts"][-1]["device"],
        parts=len(run.record["parts"]),
        digest=run.digest,
        checks=tuple(wanted),
        top1_by_epoch=tuple(row["test_top1"] for row in run.history),
    )


def _environment(runs: Iterable[Run]) -> list[Environment]:
    """Each distinct combination of code, versions and device, and how many runs had a part in it."""
    fields = ("commit", "code", "torch", "python", "device", "device_type", "threads", "cores")
    counts = Counter(tuple((name, part[name]) for name in fields) for run in runs for part in run.record["parts"])
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return [Environment(**dict(key), parts=count) for key, count in ordered]


def _data(runs: Iterable[Run]) -> list[DataRead]:
    counts = Counter(
        (run.spec.dataset, tuple(sorted(run.record["data"].items()))) for run in runs if "data" in run.record
    )
    return [
        DataRead(dataset=name, fingerprints=dict(prints), runs=count)
        for (name, prints), count in sorted(counts.items())
    ]


def _cost(runs: Sequence[Run]) -> Cost:
    trained = [run for run in runs if run.spec.epochs]
    return Cost(
        runs=len(runs),
        trained=len(trained),
        device_seconds=round(sum(run.record["seconds"] for run in trained), 1),
        peak_memory_bytes=max((run.record["parts"][-1]["peak_memory_bytes"] for run in trained), default=None),
    )
