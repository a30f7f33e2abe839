"""The command line: the Python calls from a shell, with exit codes for schedulers.

====  ========================================================================
exit  meaning
====  ========================================================================
0     done
1     an unexpected error in budgetopt itself; run again with ``--debug``
2     bad input: a file, a plan or an argument is wrong
3     the plan cannot be met: its limits clash
4     the solver could not answer
5     nothing to do: the decision moves no money (it is printed all the same)
6     the ledger: it cannot be read or written, or ``ledger verify`` found it changed
7     done and recorded, but a critical alert stands (it is on the page)
130   interrupted by Ctrl-C; the runs that ``simulate`` had finished are kept
====  ========================================================================

Answers go to stdout in UTF-8, errors to stderr. Every command is a file of its own that `menu`
lists; `options` and `on_ledger` are what commands share, `files` how they read and answer, and
`run` turns errors into words and exit codes.
"""

from __future__ import annotations

from budgetopt.cli.run import main

__all__ = ["main"]
