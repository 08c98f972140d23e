"""Packing planned runs into elements and arrays."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.cluster import throughput, throughput_job
from repro.cluster.elements import LIMITS, arrays
from repro.cluster.profile import Profile, with_gpus
from repro.cluster.sbatch import several
from repro.cluster.throughput import Throughput
from repro.errors import ClusterError
from repro.executing.sharing import Measured
from repro.planning.cost import Cost
from repro.planning.plan import Planned
from repro.recipes import cifar, imagenet, ticket
from repro.runs.store import Store


def planned(seed, seconds, basis="measured", **changed):
    spec = dataclasses.replace(cifar("smoke", seed, depth=8), **changed)
    return Planned(spec=spec, checks=(), condition="missing", why="", cost=Cost(seconds=seconds, basis=basis))


def by(workers):
    return lambda spec: (workers, float(workers))


@given(
    seconds=st.lists(st.floats(1, 1e6), max_size=60),
    workers=st.integers(1, 5),
    longest=st.integers(1, 5000),
    largest=st.integers(1, 30),
)
def test_every_run_is_in_one_element_and_no_limit_is_passed(seconds, workers, longest, largest):
    runs = [planned(seed, one) for seed, one in enumerate(seconds)]
    made = arrays(runs, by(workers), longest=longest, largest=largest)
    packed = [run.spec.seed for array in made for element in array for run in element.runs]
    assert sorted(packed) == list(range(len(runs)))
    for array in made:
        assert len(array) <= largest
        assert len({(element.minutes, element.workers) for element in array}) == 1
        assert all(element.minutes <= longest and len(element.runs) <= workers for element in array)


def test_the_time_limit_follows_the_measured_time():
    short, long = planned(0, 60), planned(1, 3000)
    made = arrays([short, long], by(1), longest=240, largest=1000)
    assert [array[0].minutes for array in made] == [10, 120]  # 1.5 min + 5, and 75 min + 5
    assert all(array[0].minutes in LIMITS for array in made)


def test_the_time_that_a_job_stops_before_its_limit_is_requested_too():
    ((element,),) = arrays([planned(0, 60)], by(1), longest=240, largest=1000, stop_before=900)
    assert element.minutes == 30


def test_an_unmeasured_run_requests_the_longest_time_allowed():
    ((element,),) = arrays([planned(0, 60, basis="assumed")], by(1), longest=240, largest=1000)
    assert element.minutes == 240


def test_runs_that_only_build_networks_go_into_one_job_one_by_one():
    runs = [planned(seed, 0.5, basis="assumed", epochs=0, learning_rate_drops=()) for seed in range(20)]
    ((element,),) = arrays(runs, by(4), longest=240, largest=1000)
    assert len(element.runs) == 20
    assert element.workers == 1


@given(
    seconds=st.lists(st.floats(0.1, 5000), min_size=1, max_size=80),
    workers=st.integers(1, 4),
    shortest=st.floats(0, 600),
)
@example(seconds=[1.0, 1.0, 2.0, 1.0], workers=2, shortest=5.0)
def test_short_runs_share_a_job_until_its_start_is_a_small_part_of_it(seconds, workers, shortest):
    runs = [planned(seed, one) for seed, one in enumerate(seconds)]
    made = arrays(runs, by(workers), longest=240, largest=1000, shortest=shortest)
    elements = [element for array in made for element in array]
    assert sorted(run.spec.seed for element in elements for run in element.runs) == list(range(len(runs)))
    kinds = {next(limit for limit in (*LIMITS, 10**6) if limit >= one * workers / 60) for one in seconds}
    assert sum(element.seconds < shortest for element in elements) <= len(kinds)  # the last of each kind may be short


def test_forty_five_runs_of_a_second_are_one_job():
    runs = [planned(seed, 1.0, basis="assumed") for seed in range(45)]
    ((element,),) = arrays(runs, by(1), longest=240, largest=1000, shortest=180)
    assert len(element.runs) == 45
    assert element.workers == 1


def test_a_long_run_has_its_job_to_itself():
    runs = [planned(0, 1.0), planned(1, 4000.0), planned(2, 1.0)]
    made = arrays(runs, by(1), longest=240, largest=1000, shortest=180)
    assert sorted(len(element.runs) for array in made for element in array) == [1, 2]


def two_thousand():
    return [planned(seed, 60.0 * (1 + seed % 400)) for seed in range(2000)]


def test_two_thousand_runs_are_fewer_than_twenty_arrays():
    assert len(arrays(two_thousand(), by(1), longest=2880, largest=1001)) < 20


def measured(depth, rates):
    return Measured(spec=cifar("smoke", 0, depth=depth).to_json(), rates=rates)


@pytest.mark.parametrize(
    ("rates", "best"),
    [
        ({"1": 100}, 1),
        ({"1": 100, "2": 180, "4": 300, "8": 310}, 4),
        ({"1": 100, "2": 101}, 1),
        ({"1": 100, "2": 90}, 1),
    ],
)
def test_sharing_increases_as_long_as_it_is_worth_it(rates, best):
    assert measured(8, rates).best() == best


def test_a_network_shares_as_a_larger_one_was_measured_to_and_no_other():
    found = Throughput(device="cpu", node="n1", networks=(measured(14, {"1": 100, "2": 160}),))
    of = throughput.packing(found, Profile(name="box", submitit="1", gpus_per_node=1, runs_per_gpu="throughput"))
    assert of(cifar("smoke", 0, depth=8)) == (2, 1.25)
    assert of(cifar("smoke", 0, depth=14)) == (2, 1.25)
    assert of(cifar("smoke", 0, depth=32)) == (1, 1.0)


def test_measured_rates_give_the_seconds_of_a_whole_run():
    found = Throughput(device="cpu", node="n1", networks=(measured(8, {"1": 898.0}),))
    (known,) = throughput.known(found, "cpu")
    assert known.seconds == pytest.approx(cifar("smoke", 0, depth=8).rows)


def test_a_profile_that_needs_a_measurement_is_refused_without_one(tmp_path):
    made = Profile(name="box", submitit="1", gpus_per_node=1, runs_per_gpu="throughput")
    with pytest.raises(ClusterError, match="measure first: repro cluster throughput box"):
        throughput.load(Store(tmp_path), made)


def test_the_networks_that_take_the_most_time_are_measured():
    runs = [
        (cifar("smoke", seed, depth=depth), seconds) for depth, seconds in ((8, 1), (14, 5), (32, 3)) for seed in (0, 1)
    ]
    assert [spec.depth for spec in throughput.networks(runs)] == [14, 32, 8]


def test_a_ticket_is_measured_by_its_network():
    assert throughput.networks([(ticket(0, "magnitude"), 1)]) == [ticket(0, "magnitude").sequence[0].training]


def test_throughput_is_really_measured(tmp_path):
    found = throughput_job.measure(
        [cifar("smoke", 0, depth=8)], data_dir=Path(), device="cpu", node="here", most=2, seconds=0.5
    )
    throughput.save(found, tmp_path / "throughput.json")
    (network,) = found.networks
    assert network.rates["1"] > 10
    assert set(network.rates) <= {"1", "2"}


def of_eight(seed, hours):
    """A run of eight processes, priced in seconds of one GPU."""
    cost = Cost(seconds=8 * 3600 * hours, basis="measured")
    return Planned(spec=imagenet("paper", seed, depth=18), checks=(), condition="missing", why="", cost=cost)


def test_a_run_of_eight_processes_has_a_job_of_its_own_and_an_eighth_of_its_devices_time():
    runs = [of_eight(0, 1.0), of_eight(1, 1.0), planned(0, 3600)]
    made = arrays(runs, by(2), longest=1440, largest=1000, shortest=1e6)
    eights = [element for array in made for element in array if element.devices == 8]
    assert [len(element.runs) for element in eights] == [1, 1]
    assert [(element.seconds, element.minutes, element.workers) for element in eights] == [(3600.0, 120, 1)] * 2
    assert all(len({element.devices for element in array}) == 1 for array in made)


def test_a_run_of_several_processes_counts_its_own_gpus():
    assert PROFILE.gpus_for(8) == 8
    assert PROFILE.gpus_for(1) == PROFILE.gpus


PROFILE = Profile(name="x", submitit="1.5", gpus_per_node=1, cpus=6, memory="16G")


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, {"nodes": 1, "ntasks_per_node": 8, "mem": "131072M", "gpus_per_node": 8, "gres": None}),
        ({"node_gpus": 4}, {"nodes": 2, "ntasks_per_node": 4, "mem": "65536M", "gpus_per_node": 4, "gres": None}),
        (
            {"gpus_per_node": None, "gres": "gpu:a100:1,nvme:1", "node_gpus": 2},
            {"nodes": 4, "ntasks_per_node": 2, "gpus_per_node": None, "gres": "gpu:a100:2,nvme:1"},
        ),
        (
            {"gpus_per_node": None, "device": "cpu"},
            {"nodes": 1, "ntasks_per_node": 8, "gpus_per_node": None, "gres": None},
        ),
    ],
    ids=["one node", "two nodes", "gres", "no GPU"],
)
def test_a_job_of_eight_processes_asks_for_a_task_and_a_gpu_each(changed, wanted):
    found = several(dataclasses.replace(PROFILE, **changed), 8)
    assert found.items() >= wanted.items()
    assert "--kill-on-bad-exit=1" in found["srun_args"]


def test_a_job_of_one_process_asks_for_what_the_profile_says():
    assert several(PROFILE, 1) == {"gpus_per_node": 1, "gres": None}


def test_processes_that_do_not_divide_over_nodes_are_refused_with_the_key_to_change():
    with pytest.raises(ClusterError, match="node_gpus is 3, which does not divide 8 processes"):
        several(dataclasses.replace(PROFILE, node_gpus=3), 8)


@pytest.mark.parametrize(
    ("gres", "wanted"),
    [("gpu", "gpu:4"), ("gpu:1", "gpu:4"), ("gpu:a100:1", "gpu:a100:4"), ("gpu:a100", "gpu:a100:4"),
     ("nvme:1,gpu:2", "nvme:1,gpu:4")],
)  # fmt: skip
def test_gpus_of_a_generic_resource_are_counted_anew(gres, wanted):
    assert with_gpus(gres, 4) == wanted
