"""Verifying: a stored document is compared value by value with what its runs give."""

import json
import os

import pytest

from repro.judging import document, verdicts_json, verify
from repro.judging.unjudged import unjudged
from repro.judging.verdict import CODE_ALIKE
from repro.reporting.report import page
from repro.runs.store import Store
from tests.judging.cases import PAPER, changed_at


def test_verifying_pending_verdicts_is_not_all_of_them(made, saved):
    lines, code = verify.verify(saved, made)
    assert (lines, code) == ([f"{saved}: 1 of 2 verdicts are as computed from the runs; 1 PENDING"], 3)


def test_verifying_whole_verdicts_is_all_of_them(checks, workplace):
    made = document.document(checks[:1], Store(workplace / "results"), "smoke").contents
    verdicts_json.save(made, workplace / "verdicts.json")
    lines, code = verify.verify(workplace / "verdicts.json", made)
    assert (lines, code) == ([f"{workplace / 'verdicts.json'}: all 1 verdicts are as computed from the runs"], 0)


def test_verifying_nothing_is_not_all_of_it(workplace):
    made = document.document([], Store(workplace / "results"), "smoke").contents
    verdicts_json.save(made, workplace / "verdicts.json")
    lines, code = verify.verify(workplace / "verdicts.json", made)
    assert code == 3 and "no verdict to verify" in lines[0]


def test_verifying_another_selection_or_scale_is_said_in_one_line(made, saved):
    fewer = {**made, "judgements": made["judgements"][:1]}
    lines, code = verify.verify(saved, fewer)
    assert code == 2
    said = "has 2 checks, and this selection 1; tiny[depth=14], for one, is in it alone. Select what was judged: "
    assert lines == [f"{saved} {said}the same claims, -k and --data."]
    lines, code = verify.verify(saved, {**made, "scale": "paper"})
    assert (lines, code) == ([f"{saved} is of scale smoke, and scale paper was asked for; say: --scale smoke"], 2)


def test_verifying_names_what_differs(made, saved):
    saved.write_text(verdicts_json.text(changed_at(made, ("judgements", 0, "why"), "because")))
    lines, code = verify.verify(saved, made)
    assert code == 2 and lines[0].startswith('judgements tiny[depth=8]: why: stored "because"')


@pytest.mark.parametrize(("page", "code"), [(b"<p>seen</p>", 3), (b"<p>REPRODUCED</p>", 2)])
def test_verifying_compares_the_page_where_there_is_one(made, saved, page, code):
    saved.with_name("report.html").write_bytes(b"<p>seen</p>")
    assert verify.verify(saved, made, page=lambda stored: page)[1] == code


@pytest.mark.parametrize(("ours", "code"), [({"submissions": 1}, 3), ({"submissions": 2}, 2), (None, 3)])
def test_verifying_compares_the_account_where_this_store_has_one(made, workplace, ours, code):
    path = workplace / "verdicts.json"
    verdicts_json.save({**made, "cluster": {"submissions": 1}}, path)
    assert verify.verify(path, {**made, "cluster": ours})[1] == code


def test_a_damaged_run_is_a_difference_where_nothing_else_is(made, saved):
    lines, code = verify.verify(saved, made, damaged=["a run is damaged"])
    assert (lines, code) == (["a run is damaged", f"{saved}: 1 difference from what the runs give"], 2)


def test_how_many_runs_exist_is_compared_and_what_the_missing_ones_cost_is_not(made, workplace):
    path, needs = workplace / "verdicts.json", {"scale": "paper", "runs": 426, "untrained": 6, "core_hours": 9.0}
    for complete, code in ((7, 3), (426, 2)):
        verdicts_json.save({**made, "scales": [{**needs, "complete": complete}]}, path)
        fresh = {**made, "scales": [{**needs, "complete": 7, "core_hours": 1.0}]}
        assert verify.verify(path, fresh)[1] == code


@pytest.mark.parametrize(("by", "code"), [(1e-15, 3), (1e-6, 2)])
def test_the_last_bits_of_a_number_are_no_difference(made, workplace, by, code):
    path, row = workplace / "verdicts.json", ("judgements", 0, "findings", 0, "estimate")
    estimate = made["judgements"][0]["findings"][0]["estimate"]
    assert estimate * (1 + by) != estimate
    verdicts_json.save(changed_at(made, row, estimate * (1 + by)), path)
    assert verify.verify(path, made)[1] == code


def test_what_cannot_be_verified_is_said(made, workplace):
    path, store = workplace / "verdicts.json", workplace / "results"
    verdicts_json.save(made, path)
    assert verify.unverified(path, made, store) == []
    marked = changed_at(made, ("judgements", 0, "marks"), [CODE_ALIKE])
    verdicts_json.save({**marked, "cluster": {"submissions": 1}}, path)
    next(store.glob("*/tensors.safetensors")).unlink()
    without, compared, cluster = verify.unverified(path, made, store)
    assert without == "1 run came without trained tensors"
    assert "of 1 verdict, is taken from claims/compared.json" in compared
    assert "account of the cluster" in cluster


def test_a_run_that_no_verdict_rests_on_yet_is_checked_too(checks, workplace, finished):
    store, waits = Store(workplace / "results"), next(iter(checks[1].runs(1).values()))
    run = finished(store, waits, top1=80.0)
    judged = set(checks[0].runs(3))
    assert [one.spec for one in unjudged(checks, judged, store, thorough=True)[0]] == [waits]
    (run.folder / "measurements" / "affine.json").write_text("{}")
    assert unjudged(checks, judged, store)[1] == []
    (fault,) = unjudged(checks, judged, store, thorough=True)[1]
    assert "affine.json was changed after the run" in fault
    (run.folder / "history.jsonl").write_text("")
    assert "history.jsonl was changed after the run" in unjudged(checks, judged, store)[1][0]


def test_a_run_of_a_later_look_that_no_verdict_rests_on_yet_is_checked_too(tmp_path, finished):
    store, last = Store(tmp_path), PAPER.arms(8)["BatchNorm"][-1]
    finished(store, last)
    assert [run.spec for run in unjudged([PAPER], (), store)[0]] == [last]


@pytest.mark.parametrize("harm", ["edited", "no plain file"])
def test_a_page_that_cannot_be_compared_is_a_difference(saved, made, harm):
    report = saved.with_name("report.html")
    os.mkfifo(report) if harm == "no plain file" else report.write_text("x")
    if harm == "edited":
        del made["judgements"][0]["criterion"]["source"]
        saved.write_text(verdicts_json.text(made))
    lines, code = verify.verify(saved, json.loads(saved.read_text()), page=page)
    assert code == 2
    assert ("does not fit together" if harm == "edited" else "not a plain file") in lines[0]
