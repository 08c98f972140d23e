"""Documents: of one claim, judged from made-up runs; and of every claim, with made-up findings."""

from typing import Any

import pytest

from repro.collecting.catalogue import catalogue
from repro.collecting.collect import collect
from repro.judging import document
from repro.runs.store import Store
from tests.reporting.test_redrawn import RUNS

OUTCOMES = (("seen", "established"), ("not seen", "ruled out"), ("open", "undecided"))


@pytest.fixture
def small(workplace, tiny_claim, fill):
    """The document of one claim, which holds at depth 8 and not at depth 14."""
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    fill(workplace / "results", 14, 20.0)
    checks = collect(scale="smoke", paths=["tiny.py"]).selected
    return document.document(checks, Store(workplace / "results"), "smoke").contents


@pytest.fixture(scope="package")
def busy(tmp_path_factory):
    """A document of this suite's own claims, with a finding of every kind, runs to draw, and caveats."""
    store = Store(tmp_path_factory.mktemp("none") / "results")
    checks = collect(scale="smoke").selected
    made = document.document(checks, store, "smoke", rows_of_catalogue=catalogue()).contents
    answers = {}
    for at, row in enumerate(made["judgements"]):
        answer, outcome = OUTCOMES[at % len(OUTCOMES)]
        answers.setdefault(row["claim"], answer)
        row.update(verdict="SMOKE", answer=answer, seeds=3, missing=[], marks=["provisional"], findings=[
            finding(row["criterion"]["rule"]["kind"], outcome)], why="The mean is 81.00 %, as <it> was & will be.",
            deviations=["replicates: 3 seeds, but 5 behind the published values"])  # fmt: skip
    for entry in made["claims"][:-1]:
        entry.update(verdict="SMOKE", answer=answers[entry["claim"]], marks=["provisional"])
    untested = next(row for row in made["judgements"] if row["claim"] == "bn-only-cifar")
    made["distances"] = [{"check": untested["check"], "label": "a network", "unit": "%", "published": 82.0,
                          "margin": 2.0, "estimate": 71.0, "interval": [70.0, 72.0],
                          "prediction": [79.0, 85.0]}]  # fmt: skip
    named = [claim for figure in made["figures"] for claim in figure["claims"]]
    common = {"outcome": "trained", "seconds": 12.5, "digest": "0" * 64, "images_per_second": 100.0, "checks": [],
              "tensors": True, "peak_memory_bytes": 10**8, "device": "a processor", "parts": 1}  # fmt: skip
    made["runs"] = [{**run, **common, "claims": named} for run in RUNS]
    made["environment"] = [{"commit": "0" * 40 + "+changes", "code": "1" * 64, "torch": "2.0", "python": "3.11",
                            "device": "a processor", "device_type": "cpu", "threads": 1, "cores": 2,
                            "parts": 9}]  # fmt: skip
    made["data"] = [{"dataset": "digits", "fingerprints": {"train": "a" * 64, "test": "b" * 64}, "runs": 3}]
    return made


def finding(kind: str, outcome: str) -> dict[str, Any]:
    """A made-up finding of one kind of rule."""
    samples = [{"label": f"arm {arm}, long words about it", "values": [80.0 + arm, 82.0, 81.0], "seeds": [0, 1, 2],
                "unit": "%", "step": 0.1, "quantity": "test accuracy"} for arm in range(2)]  # fmt: skip
    statistical = kind != "X"
    return {
        "label": "a network and its data", "expected": "82 %", "measured": "81.00 %", "outcome": outcome,
        "why": "The mean is 81.00 %.", "would_change": "It is established at any margin above 2.",
        "samples": samples if statistical else [], "estimate": 81.0 if statistical else None,
        "interval": [80.0, 82.0] if statistical else None, "interval_level": 0.9, "degrees_of_freedom": 2.0,
        "unit": "%", "criterion": [80.5, None if kind == "O" else 83.5], "reference": 82.0 if kind in "PF" else None,
        "assumption": "", "prediction": [79.0, 85.0] if kind in "PF" else None, "consistent": kind in "PF" or None,
        "p_for": 0.01, "p_against": 0.9, "flips": [0.5, 2.0], "more_seeds": 9,
    }  # fmt: skip
