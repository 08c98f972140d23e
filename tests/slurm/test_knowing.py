"""Profiles from sinfo, throughput, logs: what a user can ask of a cluster and of their jobs."""

import json

from repro.cluster import profile


def test_init_writes_a_profile_that_the_doctor_takes(user):
    printed = user.run("cluster", "init", "new")
    assert "repro doctor --cluster new" in printed
    made = profile.load(str(user.place / "slurm" / "new.toml"))
    assert made.partition == "main"
    assert made.gpus == 1
    assert "exists; edit it" in user.run("cluster", "init", "new", expect=(2,))


def test_the_throughput_says_how_many_runs_share_a_gpu_and_submit_uses_it(user, sound):
    user.profile(runs_per_gpu="throughput", memory="2G")
    assert "measure first: repro cluster throughput box" in user.submit(expect=(2,))
    printed = user.run("cluster", "throughput", "box", "tiny.py", "--most", "2")
    assert "measures 1 network;" in printed
    assert "resnet-8 " in printed
    assert "share a GPU" in printed
    (file,) = user.store.root.glob(".slurm/throughput-box.json")
    made = json.loads(file.read_text())
    assert all(network["rates"]["1"] > 0 for network in made["networks"])
    printed = user.submit()
    assert "(measured)" in printed
    assert all(array.minutes == 10 for array in user.submissions[0].arrays)
    user.wait_for_reports()
    sound(user)


def test_once_all_is_complete_logs_and_status_know_it_and_submitting_again_queues_nothing(user, sound, tmp_path):
    user.profile(hold=True)
    assert "2 to queue" in user.submit()
    assert "2 under way, 0 to queue" in user.submit()
    user.release_until_reports()
    assert "2 complete and reused, 0 under way, 0 to queue" in user.submit()
    assert len(user.submissions) == 1
    sound(user)

    run = next(user.store.runs())
    for name in (run.spec.key[:10], run.spec.name.removesuffix(" (digits)")):
        printed = user.run("logs", name)
        assert "attempt 0 on n" in printed
        assert f"complete {run.spec.name}" in printed
    assert "has a key that begins with" in user.run("logs", "nosuch", expect=(2,))

    printed = user.run("status", env={"PATH": str(tmp_path)})  # the scheduler is not asked
    assert "2 complete" in printed
    assert "allocated in 2 attempts" in printed
