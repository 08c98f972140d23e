"""What the scheduler says: its refusals, its jobs, and when it is not asked."""

import dataclasses
from pathlib import Path

import pytest

from repro.cluster import deaths, limits, scheduler
from repro.cluster.elements import Element
from repro.cluster.fate import fates
from repro.cluster.scheduler import Job, refusal
from repro.cluster.snapshot import read
from repro.errors import ClusterError
from tests.cluster.made import BOX, SPECS, submitted


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("error: invalid partition specified: x", "sinfo"),
        ("error: Unable to contact slurm controller (connect failure)", "scontrol ping"),
        ("error: something new", None),
    ],
)
def test_a_refusal_has_the_schedulers_message_and_any_advice(words, advice):
    message = refusal("sbatch", words)
    assert words in message
    assert (" Change: " in message) == (advice is not None)
    assert advice is None or advice in message


def test_the_commands_of_a_cluster_are_not_needed_for_a_complete_store(store, finished, monkeypatch):
    submitted(store.root, SPECS[:1])
    finished(store, SPECS[0])
    monkeypatch.setenv("PATH", str(Path("/nonexistent")))
    assert fates(SPECS[:1], read(store), ())[SPECS[0].key].state == "complete"


def test_without_a_job_nothing_is_taken_out_of_the_queue(monkeypatch):
    asked = []
    monkeypatch.setattr(scheduler, "ask", lambda *words: asked.append(words))
    scheduler.cancel_waiting([])
    scheduler.cancel_waiting(["7"])
    assert asked == [("scancel", "--quiet", "--me", "--state=PENDING", "7")]


def test_of_a_list_of_partitions_the_longest_limit_counts(monkeypatch):
    monkeypatch.setattr(scheduler, "ask", lambda *_: "up|1:00:00\nup|2-00:00:00\ndown|infinite\n")
    profile = dataclasses.replace(BOX, partition="short,long,broken")
    element = Element(runs=(), workers=1, devices=1, minutes=240, seconds=1.0)
    limits.check(profile, [[element]])
    with pytest.raises(ClusterError, match="allows 2-00:00:00: they would never start"):
        limits.check(profile, [[dataclasses.replace(element, minutes=3000)]])


def test_a_job_of_another_name_is_not_ours_whatever_its_id(store, monkeypatch):
    submitted(store.root, SPECS[:1])
    monkeypatch.setattr(deaths.scheduler, "ended", lambda ids: {"7": [Job("7", "theirs", "FAILED", "n1", "", "1:0")]})
    assert deaths.learn(read(store), []).entries[0].deaths == {}
