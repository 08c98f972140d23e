"""``repro status --watch``, on a pseudo-terminal and into a pipe."""

import contextlib
import os
import re
import sys

import pytest

from repro.cli import watch
from repro.cli.main import main
from repro.cli.subcommands import parser
from repro.cluster import scheduler
from repro.collecting.collect import collect
from repro.planning.plan import plan
from repro.recipes import cifar
from repro.runs.store import HISTORY, Store


@pytest.fixture
def half(workplace, tiny_claim, fill):
    """A folder whose one claim has three of its six runs."""
    (workplace / "tiny.py").write_text(tiny_claim)
    fill(workplace / "results", 8, 80.0)
    return workplace


def status(sleep):
    """``repro status --watch`` with another clock."""
    arguments, _ = parser().parse_known_args(["status", "--watch", "tiny.py"])
    return watch.status(arguments, sleep)


def interrupt(_):
    raise KeyboardInterrupt


def everything(end):
    """What was written to a terminal whose other end is closed; one read may bring only a part of it."""
    parts = []
    with contextlib.suppress(OSError):  # Linux says so at the end
        while part := os.read(end, 10_000):
            parts.append(part)
    os.close(end)
    return b"".join(parts).decode()


def test_runs_done_running_and_failed_are_counted_for_each_claim_with_the_time_left(half):
    made = plan(collect(scale="smoke", paths=["tiny.py"]).selected, Store(half / "results"), device_type="cpu")
    states = {run.spec.key: str(run.condition) for run in made.runs}
    waiting = [run for run in made.runs if run.condition == "missing"]
    states |= {waiting[0].spec.key: "training", waiting[1].spec.key: "exhausted", waiting[2].spec.key: "queued"}
    seconds = waiting[0].cost.seconds
    store = Store(half / "results")
    (store.begin(waiting[0].spec) / HISTORY).write_text("{}\n" * (waiting[0].spec.rows // 2))
    (claim, every) = watch.progress(made, states, store)
    assert (claim.name, claim.runs, claim.done, claim.running, claim.failed) == ("tiny", 6, 3, 1, 1)
    assert claim.seconds == pytest.approx(2.5 * seconds)
    assert (every.name, every.runs, every.seconds) == ("all", 6, claim.seconds)


def test_on_a_terminal_each_look_takes_the_place_of_the_last_until_all_is_done(half, fill, monkeypatch):
    main_end, own_end = os.openpty()
    with os.fdopen(own_end, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setenv("COLUMNS", "200")
        assert status(lambda _: fill(half / "results", 14, 80.0)) == 0
    shown = everything(main_end).replace("\r\n", "\n")
    first, second = shown.split("\033[2F\033[J")
    assert re.match(r"tiny  3 of 6 runs done, \d+ \w+ left\nall   3 of 6 runs done, ", first)
    assert second == "tiny  6 of 6 runs done\nall   6 of 6 runs done\n"


def test_a_small_terminal_shows_what_fits_and_always_the_last_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "6")
    assert watch._fitting([f"{n} of many runs" for n in range(9)]) == [
        "0 of many",
        "1 of many",
        "… 6 more",
        "8 of many",
    ]


def test_in_a_pipe_a_line_is_printed_when_it_has_changed(half, fill, finished, capsys):
    looks = iter((lambda: None, lambda: fill(half / "results", 14, 80.0)))
    assert status(lambda _: next(looks)()) == 0
    lines = capsys.readouterr().out.splitlines()
    said = [f"{name}  {done} of 6 runs done" for done in (3, 6) for name in ("tiny", "all ")]
    assert [line.partition(",")[0] for line in lines] == said


def test_ctrl_c_ends_it_with_the_code_of_status_and_says_nothing(half, capsys):
    assert status(interrupt) == main(["status", "tiny.py"]) == 3
    assert capsys.readouterr().err == ""


def test_a_failed_run_is_shown_and_makes_the_code_2(half, finished, capsys):
    (folder := Store(half / "results").folder(cifar("smoke", 0, depth=8)) / "run.json").write_text("{}")
    assert status(interrupt) == 2
    assert "1 failed" in capsys.readouterr().out
    assert folder.exists()


def test_runs_on_a_cluster_are_watched_from_the_files_where_no_scheduler_is(half, monkeypatch, capsys):
    monkeypatch.setattr(scheduler, "is_here", lambda: False)
    (half / "results" / ".slurm").mkdir()
    assert status(interrupt) == 3
    silent, claim, _ = capsys.readouterr().out.splitlines()[:3]
    assert "SLURM's commands are not on this machine" in silent
    assert claim.startswith("tiny  3 of 6 runs done, ")


def test_one_json_value_cannot_be_watched(half, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["status", "--watch", "--json", "tiny.py"])
    assert "choose one" in capsys.readouterr().err
