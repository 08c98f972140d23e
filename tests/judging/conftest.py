"""Checks of a simple claim, and a store for their runs."""

import pytest

from repro.check import Check
from repro.claim import LOOKS, ONE_LOOK, Claim, Source
from repro.collecting.collect import collect
from repro.judging import document, verdicts_json
from repro.judging.judge import judge_check
from repro.recipes import SCALES
from repro.runs.store import Store
from tests.judging.cases import (
    EXACT,
    POINT,
    REASON,
    SMOKE,
    near_82,
    no_runs,
    one_arm,
    passes_without_runs,
)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


@pytest.fixture
def claim_file(tmp_path):
    folder = tmp_path / "claims" / "paper"
    folder.mkdir(parents=True)
    path = folder / "a_claim.py"
    path.write_text('"""A claim file."""\n')
    return path


@pytest.fixture
def make(claim_file):
    """Makes a check; fields of its claim by name."""

    def check(
        function=near_82,
        *,
        rule=POINT,
        runs=one_arm,
        name="a-claim",
        scale="paper",
        params=None,
        dataset=None,
        depends_on=(),
        looks=LOOKS,
        primary=False,
        exact=False,
        grid=({},),
        untestable=(),
        primaries=1,
        **more,
    ):
        claim = Claim(
            id=name,
            sentence="BatchNorm alone reaches 82 %.",
            source=Source(work="paper", place="Figure 1", tag="P", reference="82 %"),
            rule=rule,
            grid=dict.fromkeys(SCALES, grid),
            runs=runs,
            depends_on=depends_on,
            testable={} if exact else {scale: REASON for scale in SCALES if scale not in untestable},
            untestable=dict.fromkeys(untestable, REASON),
            looks=looks,
            primary=primary,
            exact=exact,
            **more,
        )
        return Check(
            claim=claim,
            scale=scale,
            params=params or grid[0],
            file=claim_file,
            function=function,
            dataset=dataset,
            primaries=primaries,
        )

    return check


@pytest.fixture
def make_control(make):
    """Makes a control that needs no runs."""

    def control(function=passes_without_runs, *, name="control-one", **fields):
        return make(function, rule=EXACT, runs=no_runs, name=name, looks=ONE_LOOK, exact=True, **fields)

    return control


@pytest.fixture
def checks(workplace, tiny_claim, fill):
    """The checks of a claim whose runs are there at depth 8 and missing at 14."""
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    return collect(scale="smoke", paths=["tiny.py"]).selected


@pytest.fixture
def made(checks, workplace):
    """The document of a claim that is seen at depth 8 and pending at 14."""
    return document.document(checks, Store(workplace / "results"), "smoke").contents


@pytest.fixture
def saved(made, workplace):
    verdicts_json.save(made, workplace / "report" / "verdicts.json")
    return workplace / "report" / "verdicts.json"


# Rows


@pytest.fixture
def pending(tmp_path):
    return judge_check(SMOKE, Store(tmp_path), {})
