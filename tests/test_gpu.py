"""The harness of `make gpu` where there is none: parts end in time, and one cannot keep another from running."""

import subprocess
import sys

import pytest

from tests.gpu import Part, main, run


@pytest.fixture
def log(tmp_path):
    with (tmp_path / "log.txt").open("w+") as file:
        yield file


def test_a_part_that_hangs_is_cut_off_with_what_it_started_and_what_it_printed_is_kept(log, tmp_path):
    sleeper = "import time, subprocess, sys; print('began', flush=True); p = subprocess.Popen(['sleep', '999'])"
    sleeper += f"; open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid)); time.sleep(999)"
    run(Part("hangs", ("-c", sleeper), 2.0), 5.0, log)
    run(Part("fails", ("-c", "raise SystemExit('broken')"), 9.0), 9.0, log)
    run(Part("late", ("-c", "print('never')"), 9.0), 0.0, log)
    log.seek(0)
    text = log.read()
    assert "began" in text
    assert "== hangs: cut off" in text
    assert "broken\n== fails: exit 1" in text
    assert "== late: no time left" in text and "never" not in text
    state = subprocess.run(["ps", "-o", "stat=", "-p", (tmp_path / "pid").read_text()], capture_output=True, text=True)
    assert state.stdout.strip()[:1] in ("", "Z")


def test_a_part_that_there_is_none_of_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gpu", str(tmp_path / "out"), "--parts", "smoke,wayz"])
    with pytest.raises(SystemExit, match="'wayz' is none of bench, beside, beside-resnet-110"):
        main()
    assert not (tmp_path / "out").exists()


def test_a_processor_goes_through_it(tmp_path):
    words = [sys.executable, "-m", "tests.gpu", str(tmp_path / "out"), "--results", str(tmp_path / "none")]
    words += ["--device", "cpu", "--parts", "ways-resnet-14,export"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    text = (tmp_path / "out" / "log.txt").read_text()
    assert '"resnet-14", "precision": "float32", "tried": "fused", "way": "eager"}\n== ways-resnet-14: exit 0' in text
    assert "== export: exit 2" in text  # nothing was trained
    assert done.stdout.rstrip() == text.rstrip()
