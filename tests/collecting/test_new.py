"""A new work runs as it is written, and is never written over another."""

import errno
import os
from pathlib import Path

import pytest

from repro.collecting.catalogue import catalogue
from repro.collecting.collect import collect
from repro.collecting.new import write_work
from repro.collecting.works import works
from repro.errors import ClaimError, StoreError


def test_a_new_work_is_found_where_it_was_written_with_the_suites_controls(workplace):
    write_work("doe2024", workplace / "claims")
    selected = collect(scale="smoke").selected
    assert [check.id for check in selected] == [
        "doe2024-nonlinear-is-better",
        "control-judge",
        "m1d-control-data",
        "m1d-control-shuffled-labels",
    ]
    assert [work.key for work in works(selected)] == ["doe2024"]
    assert catalogue() == ()


def test_a_work_is_never_written_over(workplace):
    write_work("doe2024", workplace / "claims")
    with pytest.raises(ClaimError, match="exists already"):
        write_work("doe2024", workplace / "claims")


def test_a_work_that_could_not_be_written_whole_leaves_nothing(workplace, monkeypatch):
    write, left = Path.write_text, []

    def full(path, *arguments, **options):
        if left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left.append(write(path, *arguments, **options))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(StoreError, match="No space left on device. Free some space"):
            write_work("doe2024", workplace / "claims")
    assert len(write_work("doe2024", workplace / "claims")) == 2


@pytest.mark.parametrize("key", ["", "Doe2024", "../doe", "doe 2024", "doe-", "2024", "doe/2024", "ä"])
def test_a_key_that_names_no_work_is_refused_and_nothing_is_written(workplace, key):
    with pytest.raises(ClaimError, match="cannot name a work"):
        write_work(key, workplace / "claims")
    assert not (workplace / "claims").exists()
