"""A run that tests share."""

import pytest

from repro.runs.store import Store
from tests.training.short import go, short


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing interrupted."""
    store = Store(tmp_path_factory.mktemp("whole"))
    assert go(short(), store) == "complete"
    return store.run(short())
