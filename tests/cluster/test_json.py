"""With --json, the cluster's commands print one JSON value on stdout, and what they say meanwhile on stderr."""

import json

import pytest

from repro.cli.main import main


def told(cluster, *words, code=0):
    cluster.capsys.readouterr()
    assert main([*words, "--json"]) == code
    printed = cluster.capsys.readouterr()
    return json.loads(printed.out), printed.err


def test_what_is_queued_shown_and_cancelled(cluster):
    queued, notes = told(cluster, "submit", "tiny.py", "--cluster", "box")
    assert queued["runs"] == {"planned": 6, "complete": 0, "under_way": 0, "to_queue": 6, "failed_before": 0}
    assert queued["jobs"] and queued["report_job"] not in queued["jobs"]
    assert "2 checks at scale smoke need 6 runs" in notes
    found, _ = told(cluster, "status", "tiny.py", code=2)
    assert sum(found["runs"].values()) == 6
    (run, *_), _ = told(cluster, "logs", "resnet-8")
    assert run["jobs"][0]["state"].startswith("has not started")
    assert told(cluster, "cancel", "tiny.py")[0]["jobs"] == []


def test_an_id_is_queued_as_it_was_named(cluster):
    queued, _ = told(cluster, "submit", "tiny.py", "tiny[depth=8]", "--cluster", "box")
    assert queued["runs"]["planned"] == 3
    (file,) = (cluster.place / "results" / ".slurm").glob("*/submission.json")
    assert json.loads(file.read_text())["order"]["keyword"] == "tiny[depth=8]"


def test_nothing_to_retry(cluster):
    retried, _ = told(cluster, "retry", "tiny.py", "--cluster", "box")
    assert retried["submission"] is None and retried["jobs"] == []


@pytest.mark.parametrize("words", [["cluster", "init", "mine"], ["doctor", "--cluster", "box", "--wait", "1s"]])
def test_what_describes_a_cluster_prints_json_or_nothing(cluster, words):
    cluster.capsys.readouterr()
    code = main([*words, "--json"])
    out = cluster.capsys.readouterr().out
    assert code in (0, 2)
    assert json.loads(out) if out else code == 2
