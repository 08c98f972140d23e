"""Judging code that changed after the runs, held against the code that they were trained under."""

import json

import pytest

from repro.check import judging_code
from repro.errors import StoreError
from repro.judging import compared
from repro.judging.deviations import deviations, marks
from repro.judging.document import document
from repro.runs.store import Store
from tests.judging.cases import SMOKE
from tests.made import finished

OLDER = "0" * 64
COMMIT = "c0ffee0" + "0" * 33


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of claims."""
    monkeypatch.setattr(compared, "claims", lambda: tmp_path / "claims")
    compared._comparisons.cache_clear()
    yield tmp_path / "claims"
    compared._comparisons.cache_clear()


@pytest.fixture
def runs(tmp_path):
    """Runs, by key, that were trained under other judging code."""
    store = Store(tmp_path / "store")
    criteria = {"smoke:a": SMOKE.criterion_under(OLDER), "judging code": OLDER}
    return {spec.key: finished(store, spec, criteria=criteria) for spec in SMOKE.arms(3)["BatchNorm"]}


@pytest.fixture
def newer(runs, tmp_path):
    """What today's code makes of the runs."""
    return document([SMOKE], Store(tmp_path / "store"), "smoke").contents


def made_by(older, **changes):
    """A document as older code would have made it: one that says the same, but for some fields of its row."""
    other = json.loads(json.dumps(older))
    other["suite"]["judging_code_sha256"] = OLDER
    other["judgements"][0].update(changes)
    return other


def test_code_that_finds_the_same_softens_the_mark_and_is_named(folder, runs, newer):
    assert compared.keep(made_by(newer), newer, COMMIT) == {"a": []}
    assert marks(SMOKE, runs, {}) == ("judging code changed, same results",)
    assert deviations(SMOKE, runs, 3, (), {})[-1] == (
        "judging code: changed after runs were trained; the claim’s rule has not; "
        "the code then (c0ffee0) gives the same results"
    )


def test_other_words_are_no_other_finding(folder, runs, newer):
    finding = {**newer["judgements"][0]["findings"][0], "why": "told otherwise"}
    assert compared.keep(made_by(newer, findings=[finding], why="so"), newer, COMMIT) == {"a": []}


@pytest.mark.parametrize(("name", "same"), [("interval", True), ("estimate", False), ("samples", False)])
def test_of_what_is_only_measured_the_values_count_and_not_their_interval(folder, newer, name, same):
    newer["judgements"][0]["findings"][0]["outcome"] = "measured"
    finding = {**newer["judgements"][0]["findings"][0], name: [1.0, 2.0]}
    assert (compared.keep(made_by(newer, findings=[finding]), newer, COMMIT) == {"a": []}) is same


def test_the_interval_of_what_decides_counts(folder, newer):
    finding = {**newer["judgements"][0]["findings"][0], "interval": [1.0, 2.0]}
    assert compared.keep(made_by(newer, findings=[finding]), newer, COMMIT) != {"a": []}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"verdict": "PILOT"}, 'verdict: "PILOT", now "SMOKE"'),
        ({"p_for": 0.5}, "p_for: 0.5, now "),
        ({"findings": []}, "findings: 0, now 1"),
    ],
)
def test_another_finding_is_told_and_keeps_the_mark(folder, runs, newer, changes, line):
    (lines,) = compared.keep(made_by(newer, **changes), newer, COMMIT).values()
    assert lines[0].startswith(line)
    assert marks(SMOKE, runs, {}) == ("judging code changed after its runs",)


@pytest.mark.parametrize(("values", "same"), [([1.0], True), ([2.0], False), ([1.0, 1.0], False), ([], False)])
def test_what_only_the_later_code_says_of_a_sample_does_not_count(folder, newer, values, same):
    newer["judgements"][0]["findings"][0]["samples"] = [{"values": [1.0], "quantity": "test accuracy"}]
    finding = {**newer["judgements"][0]["findings"][0], "samples": [{"values": values}]}
    assert (compared.keep(made_by(newer, findings=[finding]), newer, COMMIT) == {"a": []}) is same


def test_another_number_in_a_finding_is_another_finding(folder, newer):
    finding = {**newer["judgements"][0]["findings"][0], "estimate": 1.5}
    (lines,) = compared.keep(made_by(newer, findings=[finding]), newer, COMMIT).values()
    assert lines[0].startswith("finding 1, estimate: 1.5, now ")


def test_a_comparison_speaks_of_its_runs_alone(folder, runs, newer, tmp_path):
    compared.keep(made_by(newer), newer, COMMIT)
    first = next(iter(runs.values()))
    again = finished(Store(tmp_path / "elsewhere"), first.spec, criteria=first.record["criteria"], seconds=99.0)
    assert marks(SMOKE, {**runs, first.spec.key: again}, {}) == ("judging code changed after its runs",)


def test_a_comparison_speaks_of_todays_code_alone(folder, runs, newer, monkeypatch):
    compared.keep(made_by(newer), newer, COMMIT)
    monkeypatch.setattr(compared, "judging_code", lambda: "2" * 64)
    assert marks(SMOKE, runs, {}) == ("judging code changed after its runs",)
    compared.keep(made_by(newer), newer, COMMIT)  # what was found for other code goes
    assert {one["code"] for one in json.loads((folder / "compared.json").read_text())["comparisons"]} == {"2" * 64}


def test_comparisons_of_several_scales_and_commits_add_up(folder, newer):
    compared.keep(made_by(newer), newer, COMMIT)
    compared.keep(made_by(newer), {**newer, "scale": "pilot"}, COMMIT)
    other = made_by(newer)
    other["suite"]["judging_code_sha256"] = "3" * 64
    compared.keep(other, newer, COMMIT)
    kept = json.loads((folder / "compared.json").read_text())["comparisons"]
    assert [(one["from"][0], list(one["checks"])) for one in kept] == [
        ("0", ["pilot:a", "smoke:a"]),
        ("3", ["smoke:a"]),
    ]
    assert {one["code"] for one in kept} == {judging_code()}


def test_code_of_some_runs_that_was_not_compared_keeps_the_mark(folder, runs, newer, tmp_path):
    latest = "9" * 64
    (*_, spec) = SMOKE.arms(3)["BatchNorm"]
    criteria = {"smoke:a": SMOKE.criterion_under(latest), "judging code": latest}
    mixed = {**runs, spec.key: finished(Store(tmp_path / "store"), spec, criteria=criteria)}
    newer = document([SMOKE], Store(tmp_path / "store"), "smoke").contents
    compared.keep(made_by(newer), newer, COMMIT)
    assert marks(SMOKE, mixed, {}) == ("judging code changed after its runs",)


def test_a_check_that_the_older_code_did_not_judge_is_left_out(folder, newer):
    assert compared.compare({**newer, "judgements": []}, newer) == {}
    assert compared.compare(made_by(newer, runs=[]), newer) == {}


def test_judgements_of_other_runs_are_refused(folder, newer):
    with pytest.raises(StoreError, match="a was judged on other runs"):
        compared.compare(made_by(newer, runs=newer["judgements"][0]["runs"][:1]), newer)


@pytest.mark.parametrize("text", ["", "[]", '{"comparisons": [{}]}', '{"comparisons": [{"commit": "a", "checks": 1}]}'])
def test_a_file_that_holds_no_comparisons_is_refused_by_name(folder, runs, text):
    folder.mkdir()
    (folder / "compared.json").write_text(text)
    with pytest.raises(StoreError, match=r"compared\.json is not a file of comparisons"):
        marks(SMOKE, runs, {})
