"""The reproducibility checklist of the machine-learning conferences, filled in from a document."""

from typing import Any

from repro.judging.verdict import RULE_CHANGED, RULE_LATE
from repro.planning.quantities import counted
from repro.reporting.text import duration

Json = dict[str, Any]
YES, NO, PARTLY = "yes", "no", "partly"


def checklist(made: Json) -> list[tuple[str, str, str]]:
    """Rows: what is asked, yes, no or partly, and where or why."""
    trained = [run for run in (*made["runs"], *made["waiting"]) if run["outcome"] != "built"]
    ours = any(row["standing"] in ("guess", "deviation") for work in made["works"] for row in work["settings"])
    dirty = any("+" in one["commit"] or not one["commit"] for one in made["environment"])
    statistical = [row for row in made["judgements"] if row["findings"] and row["criterion"]["rule"]["kind"] != "X"]
    on_gpus = any(one["device_type"] == "cuda" for one in made["environment"])
    several = all(row["seeds"] > 1 for row in statistical)
    registered = made["registration"]
    marked = sum(RULE_LATE in row["marks"] or RULE_CHANGED in row["marks"] for row in made["judgements"])
    kept = registered is not None and as_registered(registered) and not marked
    late = f"; {counted(marked, 'check')} with runs that do not have its rule on record" * bool(marked)
    machines = ", ".join(sorted({one["device"] for one in made["environment"]})) or "none"
    return [
        ("Claims and their limits", YES, "each claim, its scale, and what cannot be tested there: Verdicts, Coverage"),
        ("Data, with a way to check it", YES if made["data"] or not trained else NO,
         "SHA-256 of every split: Data" if made["data"] else "none was read yet; each run checks what it reads"),
        ("Code of the runs", PARTLY if dirty else YES,
         "some runs have uncommitted changes or no commit: Environment" if dirty else "commit and hash: Environment"),
        ("Every setting of every run", YES, "spec of each run: verdicts.json"),
        ("Hyperparameters chosen without the test set", PARTLY if ours else YES,
         f"the sources’ own{', where stated and used at this scale: Protocol' * ours}; none was tuned here; which "
         "evaluation of a run is judged is stated with its claim"),
        ("Error bars, and what they cover", YES if several else PARTLY,
         "Student-t over seeds, labelled with their coverage" if several else "some comparisons rest on one seed"),
        ("Every run reported", YES,
         f"{counted(made['cost']['runs'], 'run')}; diverged ones stay, a missing one is named"),
        ("Rules before runs", YES if kept else PARTLY if registered else NO,
         f"registered {registered['registered']}: {since_registered(registered)}{late}" if registered
         else f"no registration{late}"),
        ("Compute", YES, f"{duration(made['cost']['device_seconds'])} of wall-clock time on {machines}: Cost"),
        ("Bitwise repeatable", PARTLY if on_gpus else YES,
         f"repro judge --retrain trains a run again and compares it{'; bits of a GPU may differ' * on_gpus}"),
    ]  # fmt: skip


def as_registered(registration: Json) -> bool:
    """Whether every judged rule, and the code that judged, are the registered ones."""
    return registration["judging_code"] and not registration["changed"] and not registration["unregistered"]


def since_registered(registration: Json | None) -> str:
    """What differs from a registration, in a few words."""
    if registration is None:
        return ""
    others = counted(len(registration["unregistered"]), "check is", "checks are")
    which = "registered criterion" if registration["unregistered"] else "criterion"
    code = f"the judging code has changed since, and nothing else in any {which}"
    parts = [
        f"{counted(len(registration['changed']), 'criterion has', 'criteria have')} changed since"
        if registration["changed"]
        else "",
        f"{others} in no registration" if registration["unregistered"] else "",
        "" if registration["judging_code"] else "so has the judging code" if registration["changed"] else code,
    ]
    return "; ".join(filter(None, parts)) or "every criterion and the judging code are the registered ones"
