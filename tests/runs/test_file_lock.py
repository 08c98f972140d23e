"""One process at a time: a second one waits, and says so."""

import threading

import pytest

from repro.errors import StoreError
from repro.runs.file_lock import alone


def silent(line):
    raise AssertionError(line)


@pytest.mark.parametrize("name", ["", "file.lock"], ids=["a folder", "a file"])
def test_a_second_one_says_that_it_waits_and_enters_when_the_first_leaves(tmp_path, name):
    entered, waiting, order = threading.Event(), threading.Event(), []

    def second():
        entered.wait(60)
        with alone(tmp_path / name, lambda line: (order.append(line), waiting.set()), "waiting"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with alone(tmp_path / name, silent, ""):
        entered.set()
        assert waiting.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["waiting", "first", "second"]


def test_a_folder_is_left_as_it_is(tmp_path):
    with alone(tmp_path, silent, ""):
        assert list(tmp_path.iterdir()) == []


def test_what_raises_inside_leaves_nothing_locked(tmp_path):
    with pytest.raises(ZeroDivisionError), alone(tmp_path, silent, ""):
        raise ZeroDivisionError
    with alone(tmp_path, silent, ""):
        pass


def test_where_there_are_no_locks_each_is_for_itself(tmp_path, monkeypatch):
    def missing(file, how):
        raise OSError(95, "not supported")

    monkeypatch.setattr("repro.runs.file_lock.fcntl.flock", missing)
    told = []
    with alone(tmp_path, told.append, "waiting"), alone(tmp_path, told.append, "waiting"):
        assert told == []


def test_a_file_that_cannot_be_made_is_named(tmp_path):
    with pytest.raises(StoreError, match="lock cannot be written"), alone(tmp_path / "nowhere" / "lock", silent, ""):
        pass
