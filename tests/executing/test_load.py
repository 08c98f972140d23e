"""Whether others need the machine: what is read from /proc, and when training pauses and resumes."""

import pytest

from repro.executing.load import PATIENCE, QUIET, WORKER_BYTES, Load, Meter, PausePolicy

GIGABYTE = 10**9


def seen(busy=0.0, free=64 * GIGABYTE):
    return Load(busy=busy, free=free, memory=64 * GIGABYTE)


def proc(folder, user, nice, idle):
    (folder / "stat").write_text(f"cpu  {user} {nice} 0 {idle} 0 0 0 0 0 0\ncpu0 1 1 1 1\n")
    (folder / "meminfo").write_text("MemTotal:       1000 kB\nMemFree:  10 kB\nMemAvailable:    400 kB\n")


def test_only_work_at_normal_priority_counts_as_others(tmp_path):
    proc(tmp_path, 0, 0, 0)
    meter = Meter(tmp_path)
    proc(tmp_path, 30, 60, 10)
    assert meter() == Load(busy=0.3, free=400 * 1024, memory=1000 * 1024)


def test_each_look_covers_the_time_since_the_one_before(tmp_path):
    proc(tmp_path, 100, 0, 0)
    meter = Meter(tmp_path)
    proc(tmp_path, 200, 0, 0)
    meter()
    proc(tmp_path, 250, 0, 50)
    assert meter().busy == 0.5


def test_a_machine_without_load_figures_is_taken_for_idle(tmp_path):
    assert Meter(tmp_path / "nowhere")() == Load(busy=0.0, free=0, memory=0)
    assert PausePolicy(pause_above=0.5, workers=1)(Load(busy=0.0, free=0, memory=0)) == ""


def test_training_pauses_only_after_several_busy_looks_in_a_row():
    policy = PausePolicy(pause_above=0.75, workers=1)
    answers = [policy(seen(0.9)) for _ in range(PATIENCE)]
    assert answers == [""] * (PATIENCE - 1) + ["others keep 90 % of the processor busy"]


def test_one_busy_look_among_quiet_ones_changes_nothing():
    policy = PausePolicy(pause_above=0.75, workers=1)
    assert not any(policy(seen(busy)) for busy in [0.9, 0.1] * 10)


@pytest.mark.parametrize(("busy", "goes_on"), [(0.5, True), (0.7, False)])
def test_training_resumes_after_a_quiet_time_well_below_the_limit(busy, goes_on):
    policy = PausePolicy(pause_above=0.75, workers=1, reason="others")
    answers = [policy(seen(busy)) for _ in range(QUIET)]
    assert [bool(answer) for answer in answers] == [True] * (QUIET - 1) + [not goes_on]


def test_short_memory_pauses_at_once_and_until_the_workers_fit_again():
    policy = PausePolicy(pause_above=1.0, workers=2)
    assert policy(seen(free=6 * GIGABYTE)) == "memory is short (6.0 GB free)"
    just_enough = int(6.4 * GIGABYTE) + 2 * WORKER_BYTES
    assert all(policy(seen(free=just_enough - 1)) for _ in range(2 * QUIET))
    assert [bool(policy(seen(free=just_enough))) for _ in range(QUIET)][-1] is False


def test_a_limit_of_a_hundred_per_cent_never_pauses():
    policy = PausePolicy(pause_above=1.0, workers=1)
    assert not any(policy(seen(1.0)) for _ in range(10))
