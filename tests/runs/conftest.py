"""Stores, and a file between them."""

import pytest

from repro.runs import lease as lease_module
from repro.runs.store import Store
from tests.runs.made import SPECS


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Whoever takes over from another machine watches for a moment alone."""
    monkeypatch.setattr(lease_module, "WATCH", 0.05)


@pytest.fixture
def here(tmp_path, finished):
    """A store with two complete runs."""
    store = Store(tmp_path / "here")
    for spec in SPECS[:2]:
        finished(store, spec)
    return store


@pytest.fixture
def there(tmp_path):
    return Store(tmp_path / "there")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "runs.tar.xz"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")
