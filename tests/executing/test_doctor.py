"""The doctor: what this machine lacks, one line each, with the remedy."""

import subprocess
import sys

import pytest

from repro.executing.doctor import _imagenet, _results


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the command says in an empty folder, and how it ends; apart, since it imports torch."""
    place = tmp_path_factory.mktemp("empty")
    done = subprocess.run([sys.executable, "-m", "repro.cli", "doctor"], cwd=place, capture_output=True, text=True)
    return done, place


@pytest.mark.parametrize("what", ["python", "torch", "results", "digits", "cifar10", "imagenet", "pdf"])
def test_doctor_looks_at(printed, what):
    assert [line.split()[1] for line in printed[0].stdout.splitlines()].count(what) == 1


def test_missing_cifar10_is_a_warning_alone(printed):
    assert any(line.startswith("warn cifar10") for line in printed[0].stdout.splitlines())


def test_what_is_missing_is_named_with_the_command_that_mends_it(printed):
    (line,) = [line for line in printed[0].stdout.splitlines() if line.startswith("warn cifar10")]
    assert "repro data fetch cifar10" in line


def test_nothing_failed_ends_with_zero(printed):
    assert (printed[0].returncode, printed[0].stderr) == (0, "")


def test_looking_writes_nothing(printed):
    assert list(printed[1].iterdir()) == []


def test_without_torch_the_rest_is_examined_all_the_same(tmp_path):
    code = "import sys; sys.modules['torch'] = None; from repro.cli.main import main; sys.exit(main(['doctor']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    states = {line.split()[1]: line.split()[0] for line in done.stdout.splitlines()}
    assert (done.returncode, done.stderr, states["torch"]) == (2, "", "FAIL")
    assert states["digits"] == states["cifar10"] == "warn" and states.keys() >= {"results", "imagenet", "pdf"}


def test_results_that_do_not_exist_yet_are_fine(tmp_path):
    assert _results(tmp_path / "a" / "b").state in ("ok", "warn")


def test_results_that_are_a_file_fail_with_the_way_out(tmp_path):
    (tmp_path / "results").write_text("a file")
    found = _results(tmp_path / "results")
    assert found.state == "FAIL" and "name another --results" in found.message


def test_imagenet_is_no_warning_where_nobody_put_it_and_both_layouts_are_named(tmp_path):
    found = _imagenet(tmp_path)
    assert found.state == "ok" and found.message.startswith("needed by claims on ImageNet alone: ")
    assert "train/CLASS/*.JPEG" in found.message and "train*.parquet" in found.message


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ([], "does not hold imagenet; put torchvision's train/CLASS/*.JPEG"),
        (["train/"], "holds no val/; it needs both splits. Copy it again."),
        (["train-0.parquet"], "holds no val*.parquet; it needs both splits. Copy it again."),
        (["train/", "val/"], "repro data check imagenet --data-dir "),
        (["train-0.parquet", "val-0.parquet"], "repro data check imagenet --data-dir "),
    ],
)
def test_what_imagenet_lacks_is_a_warning_with_what_mends_it(tmp_path, monkeypatch, there, message):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _put(tmp_path / "imagenet", there)
    found = _imagenet(tmp_path)
    assert found.state == "warn" and message in found.message and "\n" not in found.message


@pytest.mark.parametrize(
    ("there", "form"),
    [(["train/", "val/"], "class folders"), (["train-0.parquet", "val-0.parquet"], "a Parquet copy")],
)
def test_imagenet_that_was_read_through_is_fine_in_either_layout(tmp_path, there, form):
    _put(tmp_path / "imagenet", there)
    (tmp_path / "imagenet.index").touch()
    found = _imagenet(tmp_path)
    assert found.state == "ok" and f"holds {form}, read through" in found.message


def _put(root, names):
    root.mkdir()
    for name in names:
        (root / name).mkdir() if name.endswith("/") else (root / name).touch()
