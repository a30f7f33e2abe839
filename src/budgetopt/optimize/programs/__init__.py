"""The engines that go through PuLP: linear and integer programs.

`linear` solves concave curves by chords below them, `integer` counts, lots and S-curves too, by the
`options` of each channel and programs that choose among them, `choices`; `lp` is the one file that
imports PuLP.
"""

from __future__ import annotations

from budgetopt.optimize.programs.integer import integer
from budgetopt.optimize.programs.linear import linear

__all__ = ["integer", "linear"]
