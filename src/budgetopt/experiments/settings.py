"""What goes into a test: its rows, what it compares, what is asked of it, and its plain data.

- `Observation`: what one arm did on one day;
- `METRICS`: events over trials, the family of each, and the evidence between arms;
- `Settings`: metric, money, error rate and pause rule, each with a default;
- `arguments`, `settings`, `parsed`: a test read from plain data, with no field misspelt.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from functools import cached_property
from typing import Any, NoReturn

from budgetopt.arguments import Given, record
from budgetopt.arrays import Floats
from budgetopt.calendar import as_date
from budgetopt.errors import HistoryError, InputError, as_number, did_you_mean, foreign
from budgetopt.experiments.evidence import evidence_of_averages, evidence_of_counts
from budgetopt.experiments.pause import PauseRule
from budgetopt.experiments.posteriors import Averages, Counts, Posterior, Rates
from budgetopt.i18n import Message, say, show_figure
from budgetopt.money import Currency
from budgetopt.untrusted import is_blank, is_safe

FIELDS = ("impressions", "clicks", "conversions", "revenue", "spend")
"""What can be measured of an arm on a day."""
WHOLE = ("impressions", "clicks")
"""Those that are whole numbers; platforms split a conversion over several ads."""
_MOST = 2**53


@record()
class Observation:
    """What one arm did on one day.

    Parameters
    ----------
    day
        The day, or ISO text.
    arm
        Name of the creative or audience.
    spend
        Money it cost, as measured, at least zero.
    impressions, clicks
        Whole numbers, at least zero, clicks not above impressions; None where not measured.
    conversions, revenue
        At least zero, fractions allowed; None where not measured. Conversions may exceed clicks,
        since platforms count those who only saw the ad.

    Raises
    ------
    HistoryError
        ``bad-number``, or ``bad-name`` for an empty arm.
    CalendarError
        ``bad-date``.

    Examples
    --------
    >>> Observation("2026-11-16", "red", 180.5, impressions=9_000, clicks=210).clicks
    210
    """

    day: Given[dt.date]
    arm: str
    spend: float
    impressions: int | None = None
    clicks: int | None = None
    conversions: float | None = None
    revenue: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "day", as_date(self.day, "day"))
        object.__setattr__(self, "arm", as_arm(self.arm))
        for name in FIELDS:
            given = getattr(self, name)
            if given is not None or name == "spend":
                object.__setattr__(self, name, self._number(name, given))
        if self.impressions is not None and self.clicks is not None:
            self.check_part("clicks", "impressions")

    def _number(self, name: str, given: Any) -> int | float:
        number = isinstance(given, numbers.Real) or type(given).__name__ == "Decimal"
        if not number or type(given).__name__ in ("bool", "bool_"):
            self.refuse(
                name,
                say("not-number") if given is not None else say("value-missing"),
                say("remedy-number"),
            )
        value = float(given)
        if not math.isfinite(value):
            self.refuse(name, say("number-not-finite"), say("remedy-what-measured-leave"))
        if value < 0:
            self.refuse(name, say("value-negative"), say("remedy-zero-more"))
        if value >= _MOST:
            self.refuse(name, say("too-large-count"), say("remedy-check-unit"))
        if name not in WHOLE:
            return value + 0.0
        if value != int(value):
            self.refuse(name, say("not-whole-number"), say("remedy-count-measured"))
        return int(value)

    def check_part(self, part: str, whole: str) -> None:
        """Refuse a count above the count it is a part of.

        Raises
        ------
        HistoryError
            ``bad-number``.
        """
        most = getattr(self, whole)
        if getattr(self, part) > most:
            problem = say("above-its-limit", rule=whole, amount=show_figure(most, 15))
            self.refuse(part, problem, say("remedy-check-whether-two"))

    def refuse(self, name: str, problem: Message, remedy: Message) -> NoReturn:
        """Raise the error of one field of this row."""
        value = getattr(self, name)
        shown = value if isinstance(value, str) or value is None else str(value)
        raise HistoryError(
            "bad-number",
            say(
                "of-on-is",
                name=name,
                arm=repr(self.arm),
                day=self.day,
                shown=shown,
                problem=problem,
            ),
            field=name,
            value=value,
            remedy=remedy,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data; what was not measured is left out."""
        measured = {name: getattr(self, name) for name in FIELDS}
        given = {name: value for name, value in measured.items() if value is not None}
        return {"day": self.day.isoformat(), "arm": self.arm, **given}


def as_arm(name: Any, field: str = "arm") -> str:
    """Return the name of an arm, or of what else is tested, without spaces around it.

    Raises
    ------
    HistoryError
        ``bad-name`` where it is empty or no text.
    """
    if isinstance(name, str) and not is_blank(name) and is_safe(name.strip()):
        return name.strip()
    raise HistoryError(
        "bad-name", field=field, value=name, remedy=say("remedy-arm-name-without-control")
    )


@dataclass(frozen=True)
class Metric:
    """What a test compares: events over trials, more being better.

    Parameters
    ----------
    events, trials
        Fields of an observation.
    family
        Class of the posterior.
    spread
        Standard deviation of one trial as a multiple of its mean, where the family needs it: an
        order differs from the next about as much as it is worth, and with 3 % of clicks buying,
        a click's revenue spreads sqrt(2 / 0.03), about 8 times its mean.
    """

    events: str
    trials: str
    family: type[Rates] | type[Counts] | type[Averages]
    spread: float = 1.0

    def posterior(self, events: Floats, trials: Floats, expected: float | None) -> Posterior:
        """Return what daily totals, shape ``(..., days, arms)``, say of the arms."""
        return self.family.of(events, trials, expected, self.spread)

    def evidence(
        self, events: Floats, trials: Floats, ratio: float, expected: float | None
    ) -> Floats:
        """Return the log evidence of pairs of arms from daily totals ``(..., days, arms)``."""
        if self.family is not Averages:
            return evidence_of_counts(events, trials, ratio)
        assert expected is not None  # Settings ask for it.
        return evidence_of_averages(events, trials, ratio, expected=expected, spread=self.spread)


METRICS: dict[str, Metric] = {
    "ctr": Metric("clicks", "impressions", Rates),
    "cvr": Metric("conversions", "clicks", Rates),
    "cpa": Metric("conversions", "spend", Counts),
    "revenue-per-click": Metric("revenue", "clicks", Averages, spread=8.0),
    "revenue-per-conversion": Metric("revenue", "conversions", Averages),
}
"""The metrics by name. For ``cpa`` the value is conversions per money, 1 / CPA."""


@dataclass(frozen=True)
class Settings:
    """What is asked of a test; everything has a default.

    Parameters
    ----------
    metric
        A key of `METRICS`.
    expected
        What the metric is expected to be: a rate below 1, a CPA, or a revenue. The prior weighs
        half an event (or one click or conversion) and is centred here. Needed for ``cpa`` and
        revenue, which have no scale of their own.
    currency
        ISO 4217 code.
    daily_budget
        Money of the whole test for one day, where `Experiment.next_day` is given none.
    cell
        Money that every arm gets before anything is decided.
    days
        Fewest days an arm runs, and most days its cell takes: a cell gets at least its last part
        of the money on each day until it is complete.
    leader_share
        Share of the money beyond the minimum cells that goes to the arm that leads, above 0 up to
        1; the rest goes to its challengers. 1 is plain Thompson sampling, under which a test with
        a clear favourite starves the others and may never be settled.
    error_rate
        Probability with which the stop rule is ever wrong, at most.
    region
        Share by which another arm may be better without that being of any interest (the region of
        practical equivalence).
    pause
        The pause rule; None pauses nothing.

    Raises
    ------
    InputError
        ``bad-argument``, or ``unknown-name`` for the metric.
    MoneyError
        ``bad-money`` or ``bad-currency``.
    """

    metric: str = "ctr"
    expected: float | None = None
    currency: str = "CNY"
    daily_budget: Decimal | None = None
    cell: Decimal = Decimal(1000)
    days: tuple[int, int] = (3, 5)
    leader_share: float = 0.75
    error_rate: float = 0.05
    region: float = 0.1
    pause: PauseRule | None = field(default_factory=PauseRule)

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InputError(
                "unknown-name",
                say("unknown-metric", metric=repr(self.metric)),
                field="metric",
                value=self.metric,
                remedy=did_you_mean(self.metric, METRICS),
            )
        self._set("expected", self._checked_expected())
        self._set("days", _checked_days(self.days))
        self._set("leader_share", as_number(self.leader_share, "leader_share", above=0, most=1))
        self._set("error_rate", as_number(self.error_rate, "error_rate", above=0, below=0.5))
        self._set("region", as_number(self.region, "region", above=0))
        self._set("cell", self.money.amount(self.money.minor(self.cell, "cell")))
        if self.daily_budget is not None:
            minor = self.money.minor(self.daily_budget, "daily_budget")
            self._set("daily_budget", self.money.amount(minor))
        if self.pause is not None and not isinstance(self.pause, PauseRule):
            raise InputError(
                "bad-argument", field="pause", value=self.pause, remedy=say("remedy-pauserule-none")
            )

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _checked_expected(self) -> float | None:
        rate = METRICS[self.metric].family is Rates
        if self.expected is not None:
            return as_number(self.expected, "expected", above=0, below=1 if rate else math.inf)
        if rate:
            return None
        raise InputError(
            "bad-argument",
            say("expected-missing-metric-scale", metric=repr(self.metric)),
            field="expected",
            remedy=say("remedy-expected-cpa-revenue-order"),
        )

    @cached_property
    def money(self) -> Currency:
        """The currency."""
        return Currency(self.currency)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that every observation must have, in the order of `FIELDS`."""
        of = METRICS[self.metric]
        needed = {of.events, of.trials, "spend"}
        if self.pause is not None and self.pause.gap is not None:
            needed |= {"impressions", "clicks"}
        if self.pause is not None and self.pause.target_cpa is not None:
            needed |= {"conversions"}
        return tuple(name for name in FIELDS if name in needed)


def _checked_days(days: Any) -> tuple[int, int]:
    try:
        least, most = days
        whole = all(type(d) is int for d in (least, most)) and 1 <= least <= most <= 366
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise InputError(
            "bad-argument", field="days", value=days, remedy=say("remedy-fewest-most-days-cell")
        )
    return least, most


SCHEMA_VERSION = 1
SETTINGS = tuple(f.name for f in fields(Settings))
FILE_FIELDS = ("schema_version", "arms", "seed", "log", *SETTINGS)
"""Fields of a test file."""


def arguments(data: Any) -> dict[str, Any]:
    """Return the arguments of `Experiment` from plain data.

    Raises
    ------
    InputError
        ``bad-plan``, and whatever the constructors of the parts raise.
    """
    asked = settings(data)
    if "arms" not in data:
        raise InputError(
            "bad-plan", say("no-arms"), field="arms", remedy=say("remedy-list-names-arms")
        )
    _check_list(data, "arms")
    return {
        "arms": tuple(data["arms"]),
        "settings": asked,
        "log": rows_of(data),
        "seed": data.get("seed", 0),
    }


def rows_of(data: Mapping[str, Any]) -> tuple[Observation, ...]:
    """Return the rows among the fields of a test.

    Raises
    ------
    InputError
        ``bad-plan``, and whatever `Observation` raises.
    """
    _check_list(data, "log")
    known = [f.name for f in fields(Observation)]
    rows = (_plain_row(row, f"log[{at}]", known) for at, row in enumerate(data.get("log", [])))
    return tuple(rows)


def _check_list(data: Mapping[str, Any], name: str) -> None:
    if not isinstance(data.get(name, []), (list, tuple)):
        _refuse(name, data[name], say("remedy-list"))


def settings(data: Any) -> Settings:
    """Return the settings among the fields of a test, once these are known to be fields.

    Raises
    ------
    InputError
        As `arguments` does.
    """
    data = declared(data, "test", FILE_FIELDS)
    given = {name: data[name] for name in SETTINGS if name in data}
    if "pause" in given:
        given["pause"] = _pause(given["pause"])
    return Settings(**given)


def declared(given: Any, where: str, known: Iterable[str]) -> dict[str, Any]:
    """Return the fields of a test's plain data, once they are known to be fields of this version.

    Raises
    ------
    InputError
        ``bad-plan``.
    """
    data = _table(given, where, known)
    version = data.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        _refuse(
            "schema_version", version, say("remedy-write-version", schema_version=SCHEMA_VERSION)
        )
    return data


def parsed(text: str) -> Any:
    """Return the data of JSON text.

    Raises
    ------
    InputError
        ``bad-plan`` where it is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            "bad-plan",
            say("test-not-json", error=foreign(error)),
            field="test",
            remedy=say("remedy-correct-place-named"),
        ) from None


def _pause(given: Any) -> PauseRule | None:
    """Return a pause rule; ``"none"`` stands for none, since TOML has no word for it."""
    if given is None or given == "none":
        return None
    table = _table(given, "pause", [f.name for f in fields(PauseRule)])
    said: dict[str, Any] = {name: None if v == "none" else v for name, v in table.items()}
    return PauseRule(**said)


def _plain_row(row: Any, where: str, known: Iterable[str]) -> Observation:
    table = _table(row, where, known)
    for name in ("day", "arm", "spend"):
        if name not in table:
            problem = say("part-of-missing", name=name, where=where)
            raise InputError(
                "bad-plan",
                problem,
                field=f"{where}.{name}",
                remedy=say("remedy-add-name", name=name),
            )
    return Observation(**table)


def _table(given: Any, where: str, known: Iterable[str]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        _refuse(where, given, say("remedy-table-fields"))
    for name in given:
        if name not in known:
            raise InputError(
                "bad-plan",
                say("name-is-not", name=repr(name), where=where),
                field=f"{where}.{name}",
                value=str(name),
                remedy=did_you_mean(str(name), known),
            )
    return dict(given)


def _refuse(field: str, value: Any, remedy: Message) -> NoReturn:
    raise InputError("bad-plan", field=field, value=value, remedy=remedy)
