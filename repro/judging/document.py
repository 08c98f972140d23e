"""verdicts.json: the judgements, and all else that a report may read, as one document."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from repro import __version__
from repro.claim import TAGS, Check
from repro.compare import RULES_VERSION
from repro.errors import StoreError
from repro.judging.judge import judge
from repro.judging.verdict import Judgement, claims_table, to_json
from repro.recipes import schedule
from repro.runs.spec import TRAINING_VERSION
from repro.runs.store import Run, Store, explain_write_errors, write

Document = dict[str, Any]
SCHEMA_VERSION = 1


def document(
    checks: Sequence[Check],
    store: Store,
    scale: str,
    *,
    controls: Sequence[Check] = (),
    thorough: bool = False,
    cluster: Document | None = None,
) -> tuple[Document, list[Judgement]]:
    """Judges checks and puts together what verdicts.json holds: a function of claims and stored runs, no clock."""
    rows = judge(checks, store, controls=controls, thorough=thorough)
    runs = _runs(checks, rows, store)
    made: Document = {
        "schema_version": SCHEMA_VERSION,
        "scale": scale,
        "suite": {"version": __version__, "rules_version": RULES_VERSION, "training_version": TRAINING_VERSION},
        "tags": TAGS,
        "protocol": to_json(vars(schedule(scale)) | {"scale": scale}),
        "claims": to_json(claims_table(rows, {check.claim.id: check.claim for check in checks})),
        "judgements": [_row(row) for row in rows],
        "runs": [_run(run, wanted) for run, wanted in runs],
        "environment": _environment(run for run, _ in runs),
        "data": _data(run for run, _ in runs),
        "cost": _cost([run for run, _ in runs]),
        "cluster": cluster,
    }
    return made, rows


def save(made: Document, path: Path) -> None:
    """Writes a document by rename."""
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write(path, _text(made).encode())


def load(path: Path) -> Document:
    """A document that ``save`` wrote.

    Raises:
        StoreError: there is none, or it is none.
    """
    try:
        made: Document = json.loads(path.read_text())
        if made["schema_version"] != SCHEMA_VERSION:
            raise StoreError(
                f"{path} has schema version {made['schema_version']}; this suite reads {SCHEMA_VERSION}. "
                "Judge again: repro judge."
            )
    except FileNotFoundError:
        raise StoreError(f"{path} is missing; make it with: repro judge.") from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StoreError(f"{path} is no verdicts.json ({error}); make it again with: repro judge.") from None
    return made


def differences(path: Path, fresh: Document) -> list[str]:
    """Where a stored document departs from a fresh one, one line each: row, field, stored and fresh value.

    What jobs cost on a cluster is left out: no verdict rests on it, and runs that were imported come without it.
    """
    stored = load(path)
    fresh = {**fresh, "cluster": stored.get("cluster")}
    told = []
    for part, name in (("judgements", "check"), ("claims", "claim"), ("runs", "key")):
        old, new = ({str(row.get(name)): row for row in made.get(part, [])} for made in (stored, fresh))
        for key in sorted(old.keys() | new.keys()):
            told += [f"{part} {key}: {line}" for line in _compare(old.get(key), new.get(key))]
    rest = {"judgements", "claims", "runs"}
    told += _compare(
        {k: v for k, v in stored.items() if k not in rest}, {k: v for k, v in fresh.items() if k not in rest}
    )
    if not told and path.read_bytes() != _text(fresh).encode():
        told.append(f"{path} holds the same values in other bytes: it was edited")
    return told


def _text(made: Document) -> str:
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


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
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "…"


def _row(row: Judgement) -> dict[str, Any]:
    return {**to_json(row), "p_for": row.p_for, "p_against": row.p_against}


def _runs(checks: Sequence[Check], rows: Sequence[Judgement], store: Store) -> list[tuple[Run, list[str]]]:
    """The complete runs behind some judgements, each once, with the checks that rest on it."""
    wanted: dict[str, list[str]] = {}
    for row in rows:
        for entry in row.runs:
            needed = wanted.setdefault(entry["key"], [])
            if row.check not in needed:
                needed.append(row.check)
    specs = {key: spec for check in checks for key, spec in check.runs(check.looks[-1]).items()}
    return [
        (store.run(specs[key]), needed) for key, needed in sorted(wanted.items(), key=lambda item: specs[item[0]].name)
    ]


def _run(run: Run, wanted: list[str]) -> dict[str, Any]:
    return {
        "key": run.spec.key,
        "name": run.spec.name,
        "outcome": run.record["outcome"],
        "seconds": run.record.get("seconds"),
        "images_per_second": run.record.get("images_per_second"),
        "peak_memory_bytes": run.record["parts"][-1].get("peak_memory_bytes"),
        "device": run.record["parts"][-1]["device"],
        "parts": len(run.record["parts"]),
        "digest": run.digest,
        "checks": wanted,
        "top1_by_epoch": [row["test_top1"] for row in run.history],
    }


def _environment(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Each distinct combination of code, versions and device, and how many runs had a part in it."""
    fields = ("commit", "code", "torch", "python", "device", "device_type", "threads", "cores")
    counts = Counter(tuple((name, part[name]) for name in fields) for run in runs for part in run.record["parts"])
    return [
        {**dict(key), "parts": count}
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    ]


def _data(runs: Iterable[Run]) -> list[dict[str, Any]]:
    counts = Counter(
        (run.spec.dataset, tuple(sorted(run.record["data"].items()))) for run in runs if "data" in run.record
    )
    return [
        {"dataset": name, "fingerprints": dict(prints), "runs": count}
        for (name, prints), count in sorted(counts.items())
    ]


def _cost(runs: Sequence[Run]) -> Mapping[str, Any]:
    trained = [run for run in runs if run.spec.epochs]
    return {
        "runs": len(runs),
        "trained": len(trained),
        "device_seconds": round(sum(run.record["seconds"] for run in trained), 1),
        "peak_memory_bytes": max((run.record["parts"][-1]["peak_memory_bytes"] for run in trained), default=None),
    }
