"""How this very program is called from a shell, for commands that readers copy."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def command(*words: str) -> str:
    """Return a call of this program with some arguments, quoted as the shell wants it."""
    return _quoted([*_program(), *words])


def _program() -> list[str]:
    given = Path(sys.argv[0])
    if given.stem != "budgetopt":
        return [sys.executable, "-m", "budgetopt"]
    found = shutil.which("budgetopt")
    return ["budgetopt"] if found and Path(found) == given else [str(given)]


def _quoted(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
