"""Response curves: money per week in, expected outcome per week out.

From simple to subtle: `Exponential`, `Log`, `Power` and `Logistic` are concave and have closed
forms for everything; `Hill` is concave up to shape 1 and S-shaped above; `Points` goes through
measured points; `Mixture` is a weighted sum, `Picked` a draw of one; `stack` puts many curves on
one channel axis, and `stretched` stretches curves in outcome and money.
`Carryover` says how a week's money works in later weeks too, and what a curve then takes.
"""

from __future__ import annotations

from typing import Any

from budgetopt.curves.base import Curve, Scalable, Stack, as_spend, stack
from budgetopt.curves.carryover import Carryover, effective_spend, kernels
from budgetopt.curves.envelope import Hull, Stretches, stretches
from budgetopt.curves.families import Exponential, Hill, Log, Logistic, Power
from budgetopt.curves.mixture import Mixture, Picked
from budgetopt.curves.points import Points, row_envelope
from budgetopt.curves.sampled import Panels, Sampled
from budgetopt.curves.scaled import Scaled, stretched
from budgetopt.errors import CurveError, did_you_mean
from budgetopt.i18n import say

__all__ = [
    "KINDS",
    "Carryover",
    "Curve",
    "Exponential",
    "Hill",
    "Hull",
    "Log",
    "Logistic",
    "Mixture",
    "Panels",
    "Picked",
    "Points",
    "Power",
    "Sampled",
    "Scalable",
    "Scaled",
    "Stack",
    "Stretches",
    "as_spend",
    "curve_from_dict",
    "effective_spend",
    "kernels",
    "row_envelope",
    "stack",
    "stretched",
    "stretches",
]

KINDS: dict[str, type[Curve]] = {
    kind.kind: kind for kind in (Exponential, Hill, Log, Power, Logistic, Points)
}
"""The curves a plan file may name, by their `kind`."""


def curve_from_dict(data: dict[str, Any]) -> Curve:
    """Return the curve of ``{"kind": "hill", "top": ..., ...}``.

    Raises
    ------
    CurveError
        ``bad-curve`` for an unknown kind, or for a missing or misspelt parameter.
    """
    given = {str(key): value for key, value in data.items()}
    name = given.pop("kind", None)
    if not isinstance(name, str) or name not in KINDS:
        raise CurveError("bad-curve", say("curve-kind-known", name=repr(name)), field="kind",
                         value=name, remedy=did_you_mean(str(name), KINDS))  # fmt: skip
    kind = KINDS[name]
    wanted = list(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    wanted = [w for w in wanted if w != "kind"]
    for key in given:
        if key not in wanted:
            raise CurveError(
                "bad-curve",
                say("curve-has-no-parameter", name=name, key=repr(key)),
                field=key,
                value=given[key],
                remedy=did_you_mean(key, wanted),
            )
    if len(given) < len(wanted):
        raise CurveError("bad-curve", say("curve-lacks-parameters", name=name,
                         join=", ".join(w for w in wanted if w not in given)), field="curve",
                         value=sorted(given), remedy=say("remedy-give-exactly-wanted",
                         wanted=", ".join(wanted)))  # fmt: skip
    return kind(**given)
