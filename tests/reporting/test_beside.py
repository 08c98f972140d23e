"""What is written beside the page: tables, a badge, a comparison with another judgement."""

import copy
import csv
import hashlib
import io
import json
from xml.etree import ElementTree

import pytest

from repro.errors import StoreError
from repro.judging.verdict import RULE_LATE
from repro.reporting import disagreements, report
from repro.reporting.against import changes
from repro.reporting.badge import badge
from repro.reporting.checklist import checklist
from repro.reporting.crate import crate
from repro.reporting.tables import tables


def test_the_tables_have_a_row_for_each_claim_finding_and_run(small):
    rows = {name: list(csv.DictReader(io.StringIO(text))) for name, text in tables(small).items()}
    assert [len(rows[name]) for name in ("claims.csv", "findings.csv", "runs.csv")] == [1, 2, 6]
    assert rows["claims.csv"][0]["sentence"] == "A small network knows more than half of the digits."
    assert {row["outcome"] for row in rows["findings.csv"]} == {"established", "ruled out"}
    assert rows["runs.csv"][0]["top1"].startswith(("80", "20"))


def test_a_missing_number_is_an_empty_cell(small):
    made = copy.deepcopy(small)
    made["judgements"][0]["findings"][0]["interval"] = None
    row = next(csv.DictReader(io.StringIO(tables(made)["findings.csv"])))
    assert row["interval_low"] == row["interval_high"] == ""


def test_a_badge_counts_what_was_seen_and_never_says_reproduced_of_another_scale(small):
    text = "".join(ElementTree.fromstring(badge(small)).itertext())
    assert "1 not seen" in text
    assert "reproduced" not in text


def test_two_equal_judgements_have_no_difference(small):
    assert changes(small, copy.deepcopy(small)) == ["no difference in words, numbers, criteria or runs"]


def test_a_comparison_names_words_numbers_criteria_and_runs(small):
    for entry in (*small["claims"], *small["judgements"]):
        entry["marks"] = []
    other = copy.deepcopy(small)
    row = other["judgements"][1]
    row.update(answer="seen", criterion_sha256="0" * 64)
    row["findings"][0].update(estimate=3.0, measured="+3.00 points")
    other["claims"][0]["answer"] = "seen"
    other["runs"][0]["digest"] = "0" * 64
    gone = other["runs"].pop()
    found = changes(small, other)
    assert "claim tiny: SMOKE not seen -> SMOKE seen" in found
    assert "check tiny[depth=14]: SMOKE not seen -> SMOKE seen" in found
    assert any(line.startswith("number tiny[depth=14], ") and line.endswith("-> +3.00 points") for line in found)
    assert "criterion tiny[depth=14]: changed" in found
    assert f"run {other['runs'][0]['name']}: computed something else" in found
    assert f"run {gone['name']}: only in the other" in found


def test_judgements_of_two_scales_are_not_compared(small):
    with pytest.raises(StoreError, match="scale"):
        changes(small, {**small, "scale": "pilot"})


def test_a_crate_lists_what_lies_in_the_folder_with_its_hash_and_names_every_id_it_uses(small, workplace):
    report.beside(small, workplace)
    report.deposit(small, workplace, "2026-01-02")
    graph = {one["@id"]: one for one in json.loads((workplace / "ro-crate-metadata.json").read_text())["@graph"]}
    root = graph["./"]
    assert {one["@id"] for one in root["hasPart"]} == {"claims.csv", "findings.csv", "runs.csv", "badge.svg"}
    assert graph["runs.csv"]["sha256"] == hashlib.sha256((workplace / "runs.csv").read_bytes()).hexdigest()
    assert root["datePublished"] == "2026-01-02"
    used = {value["@id"] for one in graph.values() for many in one.values() if isinstance(many, list | dict)
            for value in (many if isinstance(many, list) else [many]) if isinstance(value, dict)}  # fmt: skip
    assert used - graph.keys() == {"https://w3id.org/ro/crate/1.1"}


def test_a_crate_has_what_process_run_crates_require(small, workplace):
    """The MUSTs of RO-Crate 1.1 and of the profile for a root, an action and its instrument."""
    report.beside(small, workplace)
    report.deposit(small, workplace, "2026-01-02")
    made = json.loads((workplace / "ro-crate-metadata.json").read_text())
    graph = {one["@id"]: one for one in made["@graph"]}
    assert len(graph) == len(made["@graph"])
    described, root = graph["ro-crate-metadata.json"], graph["./"]
    assert (described["about"], described["conformsTo"]) == (
        {"@id": "./"}, {"@id": "https://w3id.org/ro/crate/1.1"})  # fmt: skip
    assert root["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.5"}
    assert graph[root["conformsTo"]["@id"]]["@type"] == "CreativeWork"
    assert all(root[name] for name in ("name", "description", "datePublished", "license"))
    action = graph[root["mentions"]["@id"]]
    assert action["@type"] == "CreateAction"
    assert graph[action["instrument"]["@id"]]["@type"] == "SoftwareApplication"
    assert [graph[one["@id"]]["@type"] for one in action["result"]] == ["File"] * 4
    assert all(one["@id"].isascii() and " " not in one["@id"] for one in made["@graph"])


def test_the_checklist_says_partly_of_code_that_was_not_committed_and_no_without_a_registration(small):
    asked = {what: answer for what, answer, _ in checklist(small)}
    assert asked["Rules before runs"] == "no"
    small["environment"][0]["commit"] = "0" * 40
    assert {what: answer for what, answer, _ in checklist(small)}["Code of the runs"] == "yes"
    small["environment"][0]["commit"] += "+changes"
    assert {what: answer for what, answer, _ in checklist(small)}["Code of the runs"] == "partly"


def test_a_data_set_that_every_seed_draws_anew_is_in_the_crate_with_all_its_fingerprints(small, tmp_path):
    (one, *_) = small["data"]
    small["data"] = [{**one, "fingerprints": {"train": letter * 64}} for letter in "ab"]
    graph = json.loads(crate(small, tmp_path, "2026-01-02"))["@graph"]
    sets = {entry["@id"]: entry["identifier"] for entry in graph if entry["@id"].startswith("#data-")}
    assert sorted(sets.values()) == [[f"sha256 of train: {letter * 64}"] for letter in "ab"]
    (judging,) = (entry for entry in graph if entry["@id"] == "#judging")
    assert {entry["@id"] for entry in judging["object"]} == set(sets)


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (("holds", "fails"), "The runs tell them apart: a holds, b does not."),
        (("holds", "undecided"), "No verdict separates them: a holds, nothing is decided on the rest."),
        (("source-error", "measured"), "a: the source contradicts its own arithmetic."),
        (("measured", "measured"), "No verdict separates them: none of them is decided."),
        (("pending", "pending"), "No runs yet."),
        (("holds", "holds"), "No verdict separates them: a, b holds."),
        (("partial", "undecided"), "No verdict separates them: of a the direction holds and the size is ruled out."),
    ],
)
def test_where_sources_disagree_the_report_says_whether_runs_tell_them_apart(shapes, said):
    claims = [
        {"id": name, "chip": {"shape": shape}, "found": False, "runs": []}
        for name, shape in zip("ab", shapes, strict=True)
    ]
    assert disagreements.apart(claims) == said
    if set(shapes) == {"pending"}:
        claims[1]["runs"] = [("an arm", "a name", "trained", [{}])]
        assert disagreements.apart(claims) == "No verdict yet."


def test_rules_are_not_said_to_come_before_runs_that_do_not_have_them_on_record(small):
    registered = {"registered": "2026-11-21", "judging_code": True, "changed": [], "unregistered": []}
    made = {**copy.deepcopy(small), "registration": registered}
    for row in made["judgements"]:
        row["marks"] = []
    (found,) = (row[1:] for row in checklist(made) if row[0] == "Rules before runs")
    assert found[0] == "yes"
    made["judgements"][0]["marks"] = [RULE_LATE]
    (found,) = (row[1:] for row in checklist(made) if row[0] == "Rules before runs")
    assert found[0] == "partly" and found[1].endswith("; 1 check with runs that do not have its rule on record")
