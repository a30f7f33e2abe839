from pathlib import Path

import pytest

DATA = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file of the test and returns its path."""

    def make(content, name="history.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make


@pytest.fixture(scope="session")
def data():
    """Return a function that gives the path of a shared data file, or skips."""

    def find(name):
        path = DATA / name
        if not path.exists():
            pytest.skip(f"shared data {name} is not on this machine")
        return path

    return find
