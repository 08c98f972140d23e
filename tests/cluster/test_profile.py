import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.cluster import profile
from repro.cluster.profile import Profile, from_json, installed, load, to_json
from repro.errors import ClusterError


def written(folder, text):
    (folder / "box.toml").write_text(f'submitit = "{installed()}"\n{text}')
    return load("box", folder)


def test_a_profile_of_two_lines_is_enough(tmp_path):
    made = written(tmp_path, "gpus_per_node = 1")
    assert made.name == "box"
    assert made.gpus == 1
    assert made.seconds("time") == 4 * 3600


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("partiton = 'gpu'", "unknown key 'partiton' (did you mean partition?); allowed: "),
        ("zzz = 1", "unknown key 'zzz'; allowed: "),
        ("cpus = 0", "cpus is 0; allowed: a whole number, 1 or more"),
        ("cpus = true", "cpus is True; allowed"),
        ("cpus = '4'", "cpus is '4'; allowed"),
        ("time = '4 hours'", "time is '4 hours'; allowed: a duration such as"),
        ("memory = '16 GB'", "memory is '16 GB'; allowed: a size such as"),
        ("device = 'tpu'", "device is 'tpu'; allowed"),
        ("partition = ''", "partition is ''; allowed"),
        ("exclude = 'n1'", "exclude is 'n1'; allowed: a list"),
        ("runs_per_gpu = 'many'", 'or "throughput"'),
        ("runs_per_gpu = 'pilot'", "runs_per_gpu is 'pilot'; allowed: a whole number, 1 or more or \"throughput\""),
        ("gpus_per_node = 1\ngres = 'gpu:1'", "gpus_per_node and gres are both set"),
        ("device = 'cuda'", "no GPU is requested"),
        ("gpus_per_node = 1\ntime = '1m'", "stop_before is 2m, as long as time"),
        ("gpus_per_node = 1\n[sbatch]\nsignal = 'USR1@1'", "sets signal, which the suite sets itself"),
        ("gpus_per_node = 1\n[sbatch]\npartition = 'x'", "sets partition, which has a key of its own"),
        ("gpus_per_node = 1\n[sbatch]\nclusters = 'x'", "take it out, and: export SLURM_CLUSTERS=x"),
        ("name = 'x'", "unknown key 'name'"),
        ("x =", "cannot be read as TOML"),
    ],
)
def test_a_wrong_profile_is_refused_with_what_is_allowed(tmp_path, text, words):
    with pytest.raises(ClusterError) as caught:
        written(tmp_path, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_profile_for_another_submitit_is_refused(tmp_path):
    (tmp_path / "box.toml").write_text('submitit = "0.9"\ngpus_per_node = 1')
    with pytest.raises(ClusterError, match=r"written for submitit 0\.9, but .* is installed"):
        load("box", tmp_path)
    (tmp_path / "box.toml").write_text("gpus_per_node = 1")
    with pytest.raises(ClusterError, match="does not name its version of submitit"):
        load("box", tmp_path)


def test_an_absent_profile_is_refused_with_those_there_are(tmp_path):
    written(tmp_path, "gpus_per_node = 1")
    with pytest.raises(ClusterError, match=r"there are: box.* repro cluster init other"):
        load("other", tmp_path)


@pytest.mark.parametrize(
    ("gres", "count"), [("gpu:1", 1), ("gpu:a100:4", 4), ("gpu", 1), ("gpu:a100", 1), ("gpu:1,tmpdisk:100", 1)]
)
def test_gpus_are_counted_from_gres(gres, count):
    assert Profile(name="box", submitit="1", gres=gres).gpus == count


def test_runs_that_share_a_gpu_ask_for_memory_each():
    made = Profile(name="box", submitit="1", gpus_per_node=1, memory="3G")
    assert made.megabytes(4) == f"{3 * 4 * 1024}M"
    assert dataclasses.replace(made, memory="512M").megabytes(2) == "1024M"


def test_a_place_with_a_variable_that_is_not_set_is_refused():
    made = Profile(name="box", submitit="1", gpus_per_node=1, scratch="/scratch/$NOBODY_SET_THIS")
    with pytest.raises(ClusterError, match="a variable in it is not set"):
        made.root("scratch")


def test_places_have_their_variables_filled_in(monkeypatch):
    monkeypatch.setenv("WHO", "me")
    made = Profile(name="box", submitit="1", gpus_per_node=1, scratch="/scratch/$WHO")
    assert str(made.root("scratch")) == "/scratch/me"
    assert made.root("data") is None


@given(
    cpus=st.integers(1, 64),
    exclude=st.lists(st.text("ab1-", min_size=1)),
    runs=st.one_of(st.integers(1, 9), st.just("throughput")),
)
def test_a_profile_is_the_same_after_json(cpus, exclude, runs):
    made = Profile(
        name="box", submitit="1", gpus_per_node=1, cpus=cpus, exclude=tuple(exclude), runs_per_gpu=runs, sbatch={"x": 1}
    )
    assert from_json(to_json(made)) == made


def test_the_profiles_of_the_repository_are_valid():
    paths = [*profile.folder("slurm").glob("*.toml")]
    assert paths
    for path in paths:
        load(str(path))


def test_the_home_of_nobody_is_refused():
    made = Profile(name="box", submitit="1", gpus_per_node=1, scratch="~no_such_user_/repro")
    with pytest.raises(ClusterError, match="nobody has that home; write the full path"):
        made.root("scratch")


def test_the_report_job_takes_no_gpu_and_may_have_an_account_and_a_qos_of_its_own():
    one = Profile(
        name="box", submitit="1.5", gres="gpu:a100:1", partition="gpu", account="g", qos="g", constraint="a100"
    )
    plain = one.for_report
    assert (plain.gpus, plain.partition, plain.account, plain.constraint) == (0, "gpu", "g", "a100")
    own = dataclasses.replace(one, report_partition="cpu", report_account="c", report_qos="c").for_report
    assert (own.gpus, own.partition, own.account, own.qos, own.constraint) == (0, "cpu", "c", "c", None)
    assert not any("gpu" in flag or "gres" in flag for flag in own.flags())
    assert [made.minutes for made in (plain, own, dataclasses.replace(one, time="10m").for_report)] == [30, 30, 10]
