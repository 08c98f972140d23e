"""Protocols: each setting of a work's sources beside what the runs of its claims are trained with."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from repro.check import Check
from repro.collecting.works import Setting, Value, Work
from repro.errors import ClaimError
from repro.runs.spec import RunSpec
from repro.runs.spec_json import KINDS

MOST = 4  # values of a setting that are listed
SEEDS = "seeds"  # of a run and of all that are equal otherwise, at the first look


def beside_runs(works: Iterable[Work], checks: Sequence[Check]) -> tuple[Work, ...]:
    """The works, their settings with what is trained ``here`` at the scale of the checks and how that stands.

    same: the first source says so; guess: it does not say, and another source's value is taken; deviation: no run has
    the value. Of some runs only: the claims of the others ask for another value. "": no run is about it.

    Raises:
        ClaimError: a setting names a field that no run has.
    """
    return tuple(
        replace(work, settings=tuple(_beside(setting, specs) for setting in work.settings))
        for work in works
        for specs in [_specs([check for check in checks if check.claim.source.work == work.key])]
    )


def _specs(checks: Iterable[Check]) -> list[dict[str, str]]:
    """Every field as text, of every trained run of some checks, each run once."""
    found = {key: spec for check in checks for key, spec in check.runs(check.looks[0]).items() if spec.rows}
    texts = {key: _texts(spec) for key, spec in found.items()}
    arms = Counter(_arm(one) for one in texts.values())
    return [{**one, SEEDS: str(arms[_arm(one)])} for one in texts.values()]


def _texts(spec: RunSpec) -> dict[str, str]:
    return {"network": spec.network, **{one.name: _text(getattr(spec, one.name)) for one in fields(spec)}}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _arm(texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in sorted(texts.items()) if name != "seed")


def _beside(setting: Setting, specs: Sequence[Mapping[str, str]]) -> Setting:
    if not setting.where and not setting.only:
        return setting
    of_runs = {name for spec in specs for name in spec}
    unknown = sorted({*setting.where, *setting.only} - of_runs - {one.name for kind in KINDS for one in fields(kind)})
    if specs and unknown:
        raise ClaimError(
            f"setting {setting.name!r} names {unknown[0]!r}, which no run has; they have {', '.join(sorted(of_runs))}."
        )
    own = [spec for spec in specs if _fits(spec, setting.only)]
    if not own:
        return replace(setting, here="not trained at this scale", standing="")
    if not setting.where:
        return setting
    values = Counter("; ".join(filter(None, (spec.get(name, "") for name in setting.where))) for spec in own)
    listed = [text or "none" for text, _ in values.most_common()]
    more = [f"{len(listed) - MOST} more"] if len(listed) > MOST else []
    fitting = sum(_fits(spec, setting.where) for spec in own)
    told = "same" if setting.said[0] else "guess"
    standing = told if fitting == len(own) else f"{told} in {fitting} of {len(own)} runs" if fitting else "deviation"
    return replace(setting, here=" · ".join([*listed[:MOST], *more]), standing=standing)


def _fits(spec: Mapping[str, str], wanted: Mapping[str, Value]) -> bool:
    return all(spec.get(name) in (value if isinstance(value, list) else [value]) for name, value in wanted.items())
