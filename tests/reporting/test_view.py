"""What the page is made of: that what is told of a part is not told of the whole, and nothing is left out."""

import copy

import pytest

from repro.reporting.view import _machines, view
from repro.reporting.works import letters


def session(commit, parts=1):
    return {"commit": commit, "device": "a processor", "parts": parts}


@pytest.mark.parametrize(
    ("sessions", "words"),
    [
        ([session("a" * 40)], f"commit {'a' * 12}, a processor"),
        ([session("a" * 40 + "+changes")], f"commit {'a' * 12} and uncommitted changes, a processor"),
        ([session("a" * 40), session("a" * 40 + "+changes")], "2 commits, a processor"),
        ([session("a" * 40, 95), session("", 2)], f"commit {'a' * 12}, 2 sessions without a commit, a processor"),
        ([session("")], "1 session without a commit, a processor"),
    ],
)
def test_sessions_whose_code_no_commit_holds_are_named(sessions, words):
    assert _machines(sessions) == words


def test_a_letter_that_works_use_for_different_things_is_explained_for_each():
    works = [{"short": "One", "tags": {}}, {"short": "Two", "tags": {"P": "an abstract", "Q": "a guess"}}]
    assert letters({"P": "printed"}, works) == {"P": "printed (One), an abstract (Two)", "Q": "a guess"}
    assert letters({"P": "printed"}, works[:1]) == {"P": "printed"}
    assert letters({"P": "printed"}, []) == {"P": "printed"}


def test_the_letter_of_a_claim_means_what_its_own_work_says(small, busy):
    small["works"] = [
        {**copy.deepcopy(busy["works"][0]), "key": key, "tags": {"P": words}}
        for key, words in (("another2020", "other words"), ("nobody2021", "its own words"))
    ]
    (group,) = view(small)["groups"]
    assert [claim["tag_words"] for claim in group["claims"]] == ["its own words"]


def test_runs_behind_no_verdict_yet_are_among_all_runs(small):
    waits = small["runs"].pop()
    small["waiting"] = [{**waits, "checks": [], "tensors": False}]
    made = view(small)
    assert len(made["runs"]) == small["cost"]["runs"] == 6
    assert [run["waits"] for run in made["runs"]].count(True) == 1
    assert made["without_tensors"] == 1


def test_other_analyses_say_of_how_many_points_they_are(small):
    path = {"choices": {"margin": 1.0}, "word": "seen"}
    small["multiverses"] = [{"check": "tiny[depth=8]", "claim": "tiny", "frozen": "seen", "share": 1.0,
                             "words": {"seen": 1}, "paths": [path]}]  # fmt: skip
    (one,) = view(small)["multiverses"]
    assert (one["frozen"], one["points"]) == ([("seen", 1)], 2)


def test_a_claim_that_is_counted_with_another_is_provisional_once(small):
    for entry in small["claims"]:
        entry["marks"] = ["provisional"]
    assert view(small)["provisional"] == "1 verdict"
    small["claims"][0]["same_as"] = "another"
    assert view(small)["provisional"] == ""


def test_a_blocked_claim_is_named_as_such_whatever_was_seen_of_it(small):
    small["claims"][0].update(verdict="BLOCKED", answer="seen")
    assert [group["words"] for group in view(small)["answers"]] == ["Blocked: the suite failed"]
