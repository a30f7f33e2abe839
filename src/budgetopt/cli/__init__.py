"""The command line: the Python calls from a shell, with exit codes for schedulers.

====  ========================================================================
exit  meaning
====  ========================================================================
0     done
1     an unexpected error in budgetopt itself; run again with ``--debug``
2     bad input: a file, a plan or an argument is wrong
3     the plan cannot be met: its limits clash
4     the solver could not answer
5     nothing to do: the decision changes nothing (it is printed all the same)
6     the ledger: it cannot be read or written, or ``ledger verify`` found it changed
7     done and recorded, but there is a critical alert (it is on the page)
130   interrupted by Ctrl-C; the runs that ``simulate`` had finished are kept
143   terminated by SIGTERM, likewise; no process is left behind
====  ========================================================================

Answers go to stdout in UTF-8, errors to stderr. `run` lists the commands and turns errors into
messages and exit codes; `common` has the options and files that commands share; each other file is
one group of commands: `plans`, `decide`, `simulate`, `weeks`, `approve`, `experiment`.

So that help starts at once, a command module imports neither an engine nor a room: commands write
``bo.Plan`` or ``bo.workflow.state_of``, which the root loads on first use.
"""

from __future__ import annotations

from budgetopt.cli.run import main

__all__ = ["main"]
