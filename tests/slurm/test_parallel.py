"""One run trained by the tasks of one job."""

from repro.runs.store import Store
from repro.training import run
from tests.drawn import indexed, small
from tests.slurm.commands import slurm

# Epochs enough that a busy machine meets the run between its first and its last.
TWO = small(processes=2, epochs=12, learning_rate_drops=(6,))

CLAIM = f'''\
"""One run of two processes."""

from repro.claim import ONE_LOOK, Source, claim
from repro.compare import Ordering
from repro.recipes import SCALES
from repro.runs.spec_json import read_spec

SPEC = {TWO.to_json()!r}


@claim(
    id="tiny",
    sentence="A network tells the drawn images apart.",
    source=Source(work="nobody2021", place="Figure 9", tag="P", reference="more than nothing"),
    rule=Ordering(gap=0.0, reason="nothing is nothing"),
    grid=dict.fromkeys(SCALES, ({{}},)),
    runs=lambda scale, seed: {{"two": read_spec(SPEC, "the claim")}},
    depends_on=(),
    testable=dict.fromkeys(SCALES, "the networks and data of its runs"),
    looks=ONE_LOOK,
)
def test_tiny(evidence):
    evidence.find(higher=evidence.top5("two"), lower=0.0)
'''


def test_two_tasks_train_one_run_through_a_signal_and_end_with_the_bits_of_two_processes_here(user, tmp_path):
    data = indexed(tmp_path / "data")
    (user.place / "tiny.py").write_text(CLAIM)
    user.profile(hold=True)  # such short epochs would be over before the command has come back
    user.submit("--data-dir", str(data))
    user.release()
    with user.frozen():
        (array,) = user.submissions[0].arrays
        shown = slurm("scontrol", "--oneliner", "show", "job", array.job)
        assert "NumTasks=2" in shown
        assert "gres/gpu=2" in shown
        slurm("scancel", "--signal=USR2", array.job)
    user.wait_for_reports()
    assert user.status()["runs"] == {"complete": 1}, user.picture()
    attempts = user.attempts()
    assert [(one.gpus, one.end) for one in attempts] == [(2, "requeued"), (2, "done")]
    there, here = user.store.run(TWO), Store(tmp_path / "here")
    assert len(there.record["parts"]) == 2
    assert run(TWO, here, data_dir=data, device="cpu", criteria={}, pause=lambda: False) == "complete"
    assert there.digest == here.run(TWO).digest
