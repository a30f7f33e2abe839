"""Where the data that the library is tried on are found."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


def folder(name):
    if not (DATA / name).exists():
        pytest.skip(f"shared data {name} is not on this machine")
    return DATA / name
