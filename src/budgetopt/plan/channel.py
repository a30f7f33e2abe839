"""A channel: one line that money can go to, with the limits that are its own.

`LearningMinimum` is the least that a platform's learning phase needs, `ChannelPrior` what is
believed of a channel before its history is read; `Channel` holds both with floor, cap, lock, lot,
labels and curve, and refuses values that contradict each other. `check_name` is the rule for every
name in a plan: names that cannot be shown or told apart are refused.

Rules across channels are in `limits`, the exact bounds of a week in `bounds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np

from budgetopt.arguments import Given, public
from budgetopt.curves import Carryover, Curve, curve_from_dict
from budgetopt.errors import CurveError, InputError, PlanError, as_number, did_you_mean
from budgetopt.i18n import Message, of_name, quoted, say
from budgetopt.messages import as_message
from budgetopt.money import as_decimal, product_of, show_amount
from budgetopt.notebook import short
from budgetopt.plan.amounts import MaxChange
from budgetopt.plan.declare import (
    Declared,
    declaration,
    declared,
    exact,
    part_of,
    plain_pairs,
)
from budgetopt.untrusted import is_blank, is_safe


@declaration()
class LearningMinimum(Declared):
    """A channel that is on gets at least what its learning phase needs in a week.

    Parameters
    ----------
    conversions
        Conversions a week that the platform needs to learn; about 50 is widely asked for.
    cpa
        Money that one conversion is expected to cost.

    Raises
    ------
    MoneyError
        ``bad-money`` for what is not an amount.

    Examples
    --------
    >>> str(LearningMinimum(50, "30.50").money)
    '1525.00'
    """

    conversions: Given[Decimal] = declared(exact("learning.conversions"))
    cpa: Given[Decimal] = declared(exact("learning.cpa"))

    @property
    def money(self) -> Decimal:
        """Money a week."""
        return product_of(self.conversions, self.cpa)

    @classmethod
    def of(cls, given: Any, field: str) -> Self | None:
        """Return a minimum from a mapping of its parts, a minimum, or None."""
        if given is None or isinstance(given, cls):
            return given
        parts = ("conversions", "cpa")
        if isinstance(given, Mapping) and set(given) == set(parts):
            return cls(**given)
        wrong = [name for name in given if name not in parts] if isinstance(given, Mapping) else []
        raise PlanError(
            "bad-plan",
            field=field,
            value=given,
            remedy=did_you_mean(str(wrong[0]), parts) if wrong else say("remedy-both-parts"),
        )


_USUAL_SD = 0.5
"""A factor of 1.6 either way."""
_MOST_SD = 5.0
"""A factor of 150 either way: more says nothing."""
_LEAST_SD = {"roas": 0.01, "saturation": 0.05}
_LEAST, _MOST = 1e-100, 1e100
"""Within these no product or square of medians overflows."""


@public
@dataclass(frozen=True)
class ChannelPrior:
    """What is believed of one channel before its history is read; None leaves it to the others.

    Parameters
    ----------
    roas
        Outcome per unit of money at the equal share of the budget, the median, 1e-100 to 1e100.
    roas_sd
        Standard deviation of its logarithm, 0.01 to 5. It goes with `roas`.
    saturation
        Money per week at which half of the most is reached, the median, 1e-100 to 1e100.
    saturation_sd
        Standard deviation of its logarithm, 0.05 to 5. It goes with `saturation`.
    noise
        Weekly noise, standard deviation of the log outcome, 0.001 to 5.

    Raises
    ------
    InputError
        ``bad-argument``.

    Examples
    --------
    >>> ChannelPrior(roas=3, noise=0.3).to_dict()
    {'roas': 3.0, 'roas_sd': 0.5, 'noise': 0.3}
    """

    roas: float | None = None
    roas_sd: float = _USUAL_SD
    saturation: float | None = None
    saturation_sd: float = _USUAL_SD
    noise: float | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        for median, least in _LEAST_SD.items():
            middle, spread = getattr(self, median), f"{median}_sd"
            sd = as_number(getattr(self, spread), f"prior.{spread}", least=least, most=_MOST_SD)
            put(self, spread, sd)
            if middle is not None:
                put(self, median, as_number(middle, f"prior.{median}", least=_LEAST, most=_MOST))
            elif sd != _USUAL_SD:
                raise InputError(
                    "bad-argument",
                    say("prior-without-median", spread=spread, sd=f"{sd:g}", median=median),
                    field=f"prior.{spread}",
                    value=sd,
                    remedy=say("remedy-too-leave-out", median=median, spread=spread),
                )
        if self.noise is not None:
            put(self, "noise", as_number(self.noise, "prior.noise", least=1e-3, most=5.0))

    @classmethod
    def of(cls, given: Any, field: str = "prior") -> Self | None:
        """Return a prior from itself, a mapping of its fields, or None.

        Raises
        ------
        InputError
            ``bad-argument``, or ``unknown-name`` for a misspelt field; they name `field`.
        """
        return None if given is None else part_of(cls, given, "prior", field)

    def to_dict(self) -> dict[str, float]:
        """Return what is given as plain data, which `of` reads."""
        said: dict[str, float] = {}
        if self.roas is not None:
            said |= {"roas": self.roas, "roas_sd": self.roas_sd}
        if self.saturation is not None:
            said |= {"saturation": self.saturation, "saturation_sd": self.saturation_sd}
        return said if self.noise is None else said | {"noise": self.noise}


@public
@short
@declaration(kw_only=True)
class Channel(Declared):
    """One line that money can go to.

    Parameters
    ----------
    name
        Any text that is not blank, in any script, without control characters; names are compared
        letter by letter.
    floor
        Least money per week, at least 0.
    cap
        Most money per week; None for no cap.
    locked
        Exact money per week, whatever it brings; None for free. The change limit does not bind a
        locked channel: locking it is the decision.
    max_change
        How far the spend may move in a week, in place of the plan's own rule: a share
        (``0.3`` or ``"30%"``), a `MaxChange`, ``"none"`` for no limit, or None to use the plan's.
    curve
        Expected outcome per week against money per week, a single one; None where it is learned.
    labels
        Groups the channel belongs to, such as ``{"platform": "douyin"}``.
    off_or_at_least
        The channel gets nothing, or at least this much money, a platform's minimum. Beside a floor,
        which never lets the channel be off, and above the cap it is refused as ``bounds-clash``;
        at the cap the channel is off or exactly there. A change limit may leave only one of the
        two within reach.
    learning
        The same, as a `LearningMinimum` or its parts, ``{"conversions": 50, "cpa": 30}``; of the
        two minimums the larger holds.
    carryover
        How a week's effect spreads over later weeks: a `Carryover` or its parts, ``{"kind":
        "geometric", "share": 0.4}``. None for none: where each channel has an outcome of its own a
        carryover is not learned by default, and a note says where the weeks show one; where one
        total is all, it is learned.
    lot
        The channel's own step of money, in place of the plan's. A locked spend need not be whole
        lots, nor one whose bounds leave a single amount; and a channel whose last spend is off its
        lot may stay there to the cent, but moves only to whole lots.
    value
        What one outcome of this channel is worth in money, in place of the plan's `value`.
    rates
        Other outcomes that come with one unit of this channel's outcome, such as
        ``{"leads": 0.2}``.
    prior
        What is believed before the history is read: a `ChannelPrior` or its fields, ``{"roas": 3,
        "noise": 0.3}``. None leaves it to all channels together.
    pinned
        The `curve` is believed as it is; nothing of the history, a prior or a test changes it.
    awake
        It is not parked, however long it was idle; see `Plan.park_after`.

    Raises
    ------
    PlanError
        ``bad-name``, ``bounds-clash`` where floor, cap and lock contradict each other, or
        ``no-curve`` where one is pinned that is not given.
    InputError
        ``bad-argument`` or ``unknown-name`` for a wrong prior.
    MoneyError
        ``bad-money``.
    CurveError
        ``bad-curve`` where `curve` is not one curve, or `carryover` not one kernel.

    Examples
    --------
    >>> Channel("douyin", floor=1000, cap=20000).cap
    Decimal('20000')
    """

    name: Given[str] = declared(lambda given, _: _name(given), kw_only=False)
    floor: Given[Decimal] = declared(exact("floor of {0.name!r}"), default=Decimal(0))
    cap: Given[Decimal | None] = declared(exact("cap of {0.name!r}"), default=None)
    locked: Given[Decimal | None] = declared(exact("lock of {0.name!r}"), default=None)
    max_change: Given[MaxChange | None] = declared(
        lambda given, channel: MaxChange.of(given, of_name("max_change", channel.name)),
        default=None,
    )
    curve: Given[Curve | None] = declared(
        lambda given, channel: one_curve(given, channel.name), default=None
    )
    labels: Given[tuple[tuple[str, str], ...]] = declared(
        lambda given, channel: _labels(given, channel.name), default=(), plain=plain_pairs
    )
    off_or_at_least: Given[Decimal | None] = declared(
        exact("off_or_at_least of {0.name!r}"), default=None
    )
    lot: Given[Decimal | None] = declared(exact("lot of {0.name!r}"), default=None)
    value: Given[Decimal | None] = declared(exact("value of {0.name!r}"), default=None)
    rates: Given[tuple[tuple[str, Decimal], ...]] = declared(
        lambda given, channel: _rates(given, channel.name), default=(), plain=plain_pairs
    )
    learning: Given[LearningMinimum | None] = declared(
        lambda given, channel: LearningMinimum.of(given, of_name("learning", channel.name)),
        default=None,
    )
    carryover: Given[Carryover | None] = declared(
        lambda given, channel: Carryover.of(given, f"channels.{channel.name}.carryover"),
        default=None,
    )
    prior: Given[ChannelPrior | None] = declared(
        lambda given, channel: ChannelPrior.of(given, f"channels.{channel.name}.prior"),
        default=None,
    )
    pinned: bool = False
    awake: bool = False

    def check_fields(self) -> None:
        """Refuse what contradicts each other."""
        self._check_switches()
        self._check_bounds()
        self._check_minimum()

    @property
    def least_on(self) -> Decimal | None:
        """Least money when the channel is on, None where nothing is asked."""
        asked = [self.off_or_at_least, None if self.learning is None else self.learning.money]
        return max((money for money in asked if money is not None), default=None)

    def _check_switches(self) -> None:
        name = next((n for n in ("pinned", "awake") if not isinstance(getattr(self, n), bool)), "")
        if name:
            code, problem = (
                "bad-plan",
                say("of-is", name=name, name_2=repr(self.name), value=repr(getattr(self, name))),
            )
            remedy = say("remedy-write-true-false")
        elif self.pinned and self.curve is None:
            code, problem = "no-curve", say("pinned-but-no", name=repr(self.name))
            remedy = say("remedy-curve-use-leave")
        else:
            return
        name = name or "pinned"
        where, value = f"channels.{self.name}.{name}", str(getattr(self, name))
        raise PlanError(code, problem, field=where, value=value, remedy=remedy)

    def _check_bounds(self) -> None:
        name, floor = quoted(self.name), show_amount(self.floor)
        if self.cap is not None and self.cap < self.floor:
            raise self._clash(
                say("cap-below-floor", channel=name, cap=show_amount(self.cap), floor=floor),
                "cap",
                self.cap,
                say("remedy-cap-or-floor"),
            )
        if self.locked is None:
            return
        lock = show_amount(self.locked)
        if self.cap is not None and self.locked > self.cap:
            raise self._clash(
                say("lock-above-cap", channel=name, lock=lock, cap=show_amount(self.cap)),
                "locked",
                self.locked,
                say("remedy-cap-or-lock"),
            )
        if self.locked < self.floor:
            raise self._clash(
                say("lock-below-floor", channel=name, lock=lock, floor=floor),
                "locked",
                self.locked,
                say("remedy-floor-or-lock"),
            )

    def _check_minimum(self) -> None:
        least, name = self.least_on, quoted(self.name)
        if least is not None and self.floor > 0:
            raise self._clash(
                say("floor-cannot-be-off", channel=name, floor=show_amount(self.floor)),
                "off_or_at_least",
                least,
                say("remedy-floor-or-off"),
            )
        if least is not None and self.cap is not None and self.cap < least:
            raise self._clash(
                say(
                    "minimum-above-cap",
                    channel=name,
                    least=show_amount(least),
                    cap=show_amount(self.cap),
                ),
                "off_or_at_least",
                least,
                say("remedy-cap-or-off"),
            )
        if self.lot is not None and self.lot == 0:
            raise self._clash(say("lot-is-zero", channel=name), "lot", self.lot, say("remedy-lot"))

    def _clash(self, problem: Message, field: str, value: Decimal, remedy: Message) -> PlanError:
        where = f"channels.{self.name}.{field}"
        return PlanError("bounds-clash", problem, field=where, value=value, remedy=remedy)


KINDS = {
    "event": "named-event",
    "freeze": "named-freeze",
    "label": "named-label",
    "listed": "named-listed",
    "name": "named-name",
    "phase": "named-phase",
    "plan": "named-plan",
    "scenario": "named-scenario",
}
"""What has a name, by the code that says it where that is another word."""


def kind_said(what: str) -> str:
    """Return what kind of thing has a name, to be said in any language."""
    return say(KINDS.get(what, what))


def check_name(name: Any, field: str, what: str) -> None:
    """Refuse a name that is blank, not text, or cannot be shown or written to a file.

    Raises
    ------
    PlanError
        ``bad-name``.
    """
    if isinstance(name, str) and not is_safe(name):
        raise PlanError(
            "bad-name",
            say("name-with-control", what=kind_said(what), name=ascii(name)),
            field=field,
            value=ascii(name),
            remedy=say("remedy-write-without"),
        )
    if not isinstance(name, str) or is_blank(name):
        problem = say("name-is-blank", what=kind_said(what), name=repr(name))
        remedy = say("remedy-every-name", what=kind_said(what))
        raise PlanError("bad-name", problem, field=field, value=ascii(name), remedy=remedy)


def _name(given: Any) -> str:
    check_name(given, "channels.name", "channel")
    return str(given)


def one_curve(curve: Any, name: str) -> Curve:
    """Return a channel's curve, or that of a table in a plan file, if it is one, for one channel.

    Raises
    ------
    CurveError
        ``bad-curve``.
    """
    if isinstance(curve, Mapping):
        try:
            curve = curve_from_dict(dict(curve))
        except CurveError as error:
            raise CurveError(error.code, say("curve-of-problem", name=repr(name),
                             problem=error.problem),
                             field=f"channels.{name}.curve.{error.field}".removesuffix(".curve"),
                             value=error.value,
                             remedy=as_message(error.remedy)) from None  # fmt: skip
    if isinstance(curve, Curve) and np.ndim(curve.value(0.0)) == 0:
        return curve
    raise CurveError(
        "bad-curve",
        say("curve-not-curve", name=repr(name), curve=repr(curve)),
        field=f"channels.{name}.curve",
        value=repr(curve),
        remedy=say("remedy-sample-function-points")
        if callable(curve)
        else say("remedy-curve-plain-numbers"),
    )


def _rates(rates: Any, name: str) -> tuple[tuple[str, Decimal], ...]:
    pairs = ((k, as_decimal(v, f"rate {k!r} of {name!r}")) for k, v in dict(rates).items())
    return tuple(sorted(pairs))


def _labels(labels: Any, name: str) -> tuple[tuple[str, str], ...]:
    """Return labels as sorted pairs, so that two channels compare by what they say."""
    pairs = tuple(dict(labels).items())
    for pair in pairs:
        for part in pair:
            if isinstance(part, str) and part.strip():
                check_name(part, f"channels.{name}.labels", "label")
        if not all(isinstance(part, str) and part.strip() for part in pair):
            raise PlanError("bad-name", say("remedy-label-blank-text", pair=repr(pair),
                            name=repr(name)), field=f"channels.{name}.labels", value=str(pair),
                            remedy=say("remedy-write-labels-name-value"))  # fmt: skip
    return tuple(sorted(pairs))
