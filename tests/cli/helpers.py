"""How these tests call the command line."""

import pytest

from budgetopt.cli import main


def run(capsys, *arguments):
    """Return exit code, stdout and stderr."""
    with pytest.raises(SystemExit) as exit_:
        main([str(a) for a in arguments])
    said = capsys.readouterr()
    return exit_.value.code, said.out, said.err


def change(shop, name, old, new):
    """Replace a text that a file must hold."""
    text = (shop / name).read_text(encoding="utf-8")
    assert old in text
    (shop / name).write_text(text.replace(old, new, 1), encoding="utf-8")
