r"""The approved week as an ad platform's bulk sheet: daily budgets by campaign, exact to the cent.

`upload_sheet` reads the week from a ledger and takes off what is spent already; `UploadSheet` is
the answer, as CSV, as a workbook and as JSON. A channel's money that is left, in whole steps of the
platform, is split over its campaigns by their shares, and each over the days to come as the plan
budgets them, by largest remainder at every turn, so that

.. math:: \sum_{\text{campaigns, days}} b = \sum_{\text{channels}} \max(a - s, 0)

holds exactly for what is approved (a) and spent (s). What days do not share goes on the last of
them, so that a week is two uploads at most where no phase begins in it. Where a platform takes no
change below an amount, the last day is that much apart. What cannot be kept is refused.

Where it stops: platforms spend more than a daily budget on single days (Google up to twice), and
less where demand is short. What was there before is not known here, and neither is whether the
first change is large enough.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

from budgetopt.arguments import public
from budgetopt.calendar import Week, as_date
from budgetopt.errors import InputError, did_you_mean
from budgetopt.exchange.formats import Workbook
from budgetopt.exchange.platforms import Platform
from budgetopt.history import History, column_letter
from budgetopt.i18n import in_language, listed, of_name, quoted, say
from budgetopt.ledger import Ledger
from budgetopt.money import Currency, as_exact, difference_of, show_amount, total_of
from budgetopt.notebook import brief
from budgetopt.plan import Plan, day_weights
from budgetopt.untrusted import as_cell, is_blank, is_safe
from budgetopt.workflow import (
    WeekState,
    actual_of,
    decision_of,
    latest_split,
    ledger_of,
    rounded,
    state_of,
    week_of,
)

SCHEMA_VERSION = 1
Campaigns = Mapping[str, Any]
"""Campaigns by channel: a name, several names, or a mapping of names to their shares."""
Spends = dict[str, Decimal]
"""Exact money by channel."""
Shares = dict[str, Fraction]
"""Campaigns of one channel and their shares, which add up to one."""
_DAY = dt.timedelta(days=1)
_REMEDIES = {
    "none": say("remedy-run-budgetopt-week-first"),
    "proposed": say("remedy-approve-first", command="budgetopt approve"),
    "edited": say("remedy-approve-first", command="budgetopt approve"),
    "rejected": say("remedy-rerun-then-approve"),
    "measured": say("remedy-choose-week-over"),
}
"""What to do about a week that may not be exported, by its state."""


@dataclass(frozen=True)
class DayRules:
    """What a daily budget must keep.

    Parameters
    ----------
    step
        It is a multiple of this.
    minimum
        It is at least this, or nothing at all.
    change
        From one day to the next it stays, or changes by at least this.
    """

    step: Decimal
    minimum: Decimal = Decimal(0)
    change: Decimal = Decimal(0)


@dataclass(frozen=True)
class Line:
    """The daily budgets of one campaign.

    Parameters
    ----------
    channel, campaign
        Whose they are.
    daily
        Money on each day to come; 0 is a day on which it is paused.
    resumes
        Whether it had nothing in the week before, and is to be switched on.
    """

    channel: str
    campaign: str
    daily: tuple[Decimal, ...]
    resumes: bool = False

    @property
    def total(self) -> Decimal:
        """Money on all days."""
        return total_of(self.daily)


@brief
@dataclass(frozen=True)
class UploadSheet:
    """Daily budgets of a week on one platform.

    Parameters
    ----------
    platform
        Whose rules and columns they are in.
    currency
        What the money is in.
    week, state, revision
        Which week of the ledger, and which revision of it.
    days
        The days that get a budget: those of the week that are not over.
    approved, spent
        Money of the week by channel, and what was spent of it before the first of the days.
    lines
        The budgets.
    rules
        What they keep.
    notes
        What is to be known beside.
    """

    platform: Platform
    currency: str
    week: dt.date
    state: str
    revision: int
    days: tuple[dt.date, ...]
    approved: Mapping[str, Decimal]
    spent: Mapping[str, Decimal]
    lines: tuple[Line, ...]
    rules: DayRules
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """Money on all days in all campaigns."""
        return total_of(line.total for line in self.lines)

    @property
    def stretches(self) -> tuple[tuple[dt.date, dt.date], ...]:
        """First and last day of the days on end that have the same budgets: one upload each."""
        by_day = [tuple(line.daily[at] for line in self.lines) for at in range(len(self.days))]
        runs = (list(run) for _, run in groupby(range(len(self.days)), key=by_day.__getitem__))
        return tuple((self.days[run[0]], self.days[run[-1]]) for run in runs)

    def rows(self, day: dt.date | str | None = None) -> list[tuple[str, Decimal | None, str]]:
        """Return campaign, daily budget and status of a day, by default of the first.

        A campaign without money is paused and has no budget. The status is empty, which changes
        nothing, unless the sheet itself paused the campaign, or its channel had nothing before.

        Raises
        ------
        InputError
            ``bad-argument`` for a day that gets no budget.
        """
        at = self._at(day)
        first = self.days.index(next(a for a, b in self.stretches if a <= self.days[at] <= b))
        return [self._row(line, at, first) for line in self.lines]

    def _row(self, line: Line, at: int, first: int) -> tuple[str, Decimal | None, str]:
        money = line.daily[at]
        if not money:
            return line.campaign, None, self.platform.off
        was_off = line.resumes if first == 0 else not line.daily[first - 1]
        return line.campaign, money, self.platform.on if was_off else ""

    def _at(self, day: dt.date | str | None) -> int:
        if day is None:
            return 0
        given = as_date(day, "day")
        if given in self.days:
            return self.days.index(given)
        raise InputError("bad-argument", say("day-gets-budget", given=given), field="day",
                         value=str(given), remedy=say("remedy-choose", days=self.days[0],
                         days_2=self.days[-1]))  # fmt: skip

    def to_csv(self, day: dt.date | str | None = None) -> str:
        """Return the sheet of a day as CSV in which no cell is a formula, as Excel reads UTF-8."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(self.platform.header)
        for campaign, money, status in self.rows(day):
            writer.writerow((as_cell(campaign), "" if money is None else f"{money:f}", status))
        return "\ufeff" + out.getvalue()

    def to_xlsx(self, language: str = "en") -> bytes:
        """Return a workbook: a sheet to upload for every stretch of days, then all days summed up.

        Raises
        ------
        InputError
            ``missing-extra`` without XlsxWriter.
        """
        book = Workbook()
        for first, last in self.stretches:
            sheet = book.sheet(str(first) if first == last else f"{first} - {last}")
            for at, header in enumerate(self.platform.header):
                book.text(sheet, 0, at, header, bold=True)
                sheet.set_column(at, at, 36 if at == 0 else 20)
            for row, (campaign, money, status) in enumerate(self.rows(first), start=1):
                book.text(sheet, row, 0, campaign)
                if money is not None:
                    sheet.write_number(row, 1, float(money), self._format(book))
                if status:
                    book.text(sheet, row, 2, status)
        self._write_days(book, language)
        return book.to_bytes()

    def _write_days(self, book: Workbook, language: str) -> None:
        """Write every day's budgets with live sums."""
        names = (say("channel"), say("upload-campaign"), *map(str, self.days), say("total"))
        sheet, form = book.sheet(in_language(say("upload-days"), language)), self._format(book)
        for at, name in enumerate(names):
            book.text(sheet, 0, at, in_language(name, language), bold=True)
            sheet.set_column(at, at, 24 if at < 2 else 13)
        last, end = column_letter(len(names) - 2), len(self.lines) + 1
        for row, line in enumerate(self.lines, start=1):
            book.text(sheet, row, 0, line.channel)
            book.text(sheet, row, 1, line.campaign)
            for at, money in enumerate(line.daily, start=2):
                sheet.write_number(row, at, float(money), form)
            sums = f"=SUM(C{row + 1}:{last}{row + 1})"
            sheet.write_formula(row, len(names) - 1, sums, form, float(line.total))
        book.text(sheet, end, 0, in_language(say("total"), language), bold=True)
        for at in range(2, len(names)):
            letter = column_letter(at)
            daily = (line.daily[at - 2] if at - 2 < len(self.days) else line.total
                     for line in self.lines)  # fmt: skip
            sums = f"=SUM({letter}2:{letter}{end})"
            sheet.write_formula(end, at, sums, form, float(total_of(daily)))

    def _format(self, book: Workbook) -> Any:
        digits = Currency(self.currency).digits
        return book.format(num_format="0" + ("." + "0" * digits if digits else ""))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, money as decimal text."""
        channels = [
            {"channel": name, "approved": f"{money:f}", "spent": f"{self.spent[name]:f}"}
            for name, money in self.approved.items()
        ]
        budgets = [
            {
                "channel": line.channel,
                "campaign": line.campaign,
                "daily": [f"{money:f}" for money in line.daily],
                "total": f"{line.total:f}",
            }
            for line in self.lines
        ]
        rules = {name: f"{getattr(self.rules, name):f}" for name in ("step", "minimum", "change")}
        return {
            "schema_version": SCHEMA_VERSION,
            "platform": self.platform.name,
            "currency": self.currency,
            "week": str(self.week),
            "state": self.state,
            "revision": self.revision,
            "days": [str(day) for day in self.days],
            "channels": channels,
            "budgets": budgets,
            "total": f"{self.total:f}",
            "rules": {**rules, "source": self.platform.source},
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=2)


@public
def upload_sheet(
    plan: Plan,
    ledger: Ledger,
    week: dt.date | str,
    platform: Platform | str,
    *,
    channels: Sequence[str] | None = None,
    campaigns: Campaigns | None = None,
    spent: History | Mapping[str, Any] | None = None,
    today: dt.date | str | None = None,
    minimum: Any = None,
    step: Any = None,
    change: Any = None,
) -> UploadSheet:
    """Return the daily budgets of an approved week on one ad platform.

    Parameters
    ----------
    plan
        Whose week it is.
    ledger
        Where it was approved.
    week
        A day of the week.
    platform
        A name of `exchange.PLATFORMS`, or a `Platform` of one's own.
    channels
        Channels that run on it; by default those of `campaigns`, or else those that the plan labels
        ``platform = ...`` so.
    campaigns
        Campaigns of a channel, by channel: one name, several that share alike, or a mapping of
        names to shares. By default each channel is one campaign of its name.
    spent
        What was spent in the week before `today`: a history that has those days, or money by
        channel. Needed once the week has begun.
    today
        First day that gets a budget, if the week has begun; by default the clock says it. The
        budget of that day is for the whole of it.
    minimum, step, change
        In place of the platform's: least daily budget, step, and least change of one.

    Raises
    ------
    InputError
        ``wrong-state`` for a week that is neither approved nor applied; ``broken-limit`` where the
        money cannot keep the platform's minimum, step or least change; ``unknown-name`` or
        ``bad-name``; ``bad-argument`` for a week that is over, or one that has begun without
        `spent`; ``no-data`` where a history lacks days.
    MoneyError
        ``bad-money``.
    """
    chosen, start = Platform.of(platform), week_of(plan, week)
    state = state_of(ledger_of(ledger, plan), start)
    if state.state not in ("approved", "applied"):
        raise _not_approved(state)
    first = max(as_date(today or dt.date.today(), "today"), start)
    days = _days_left(start, first)
    split, last = latest_split(state), _last(state)
    named = _campaigns(plan, chosen, split, channels, campaigns)
    approved = {name: split[name] for name in named}
    paid = _spent(plan, approved, spent, start, first)
    rules, notes = _rules(chosen, plan, minimum, step, change)
    left, moved = _left(plan, approved, paid, rules)
    weights = day_weights(plan, first, len(days))
    lines, even = [], []
    for channel, shares in named.items():
        for campaign, money in _shared(left[channel], shares, plan, rules).items():
            daily, as_planned = _daily(plan, campaign, money, weights, rules)
            even += [] if as_planned else [campaign]
            resumes = last.get(channel) == 0 and first == start
            lines.append(Line(channel, campaign, daily, resumes))
    notes += [*moved, *_noted(chosen, lines, approved, paid, even)]
    return UploadSheet(
        chosen,
        plan.currency,
        start,
        state.state,
        state.revision,
        days,
        approved,
        paid,
        tuple(lines),
        rules,
        tuple(notes),
    )


def _not_approved(state: WeekState) -> InputError:
    said = say("week-unproposed-not-exported", week=state.week)
    if state.state != "none":
        said = say("week-state-not-exported", week=state.week, state=state.state)
    return InputError(
        "wrong-state", said, field="week", value=str(state.week), remedy=_REMEDIES[state.state]
    )


def _days_left(start: dt.date, first: dt.date) -> tuple[dt.date, ...]:
    days = tuple(first + at * _DAY for at in range((Week(start).end - first).days + 1))
    if days:
        return days
    raise InputError("bad-argument", say("the-week-of", start=start, first=first), field="today",
                     value=str(first), remedy=say("remedy-choose-week-over"))  # fmt: skip


def _last(state: WeekState) -> dict[str, Decimal]:
    """Return what the week before had by channel, as far as it is known."""
    return {} if state.current is None else dict(decision_of(state.current.data).allocation.last)


def _campaigns(
    plan: Plan,
    platform: Platform,
    split: Spends,
    channels: Sequence[str] | None,
    campaigns: Campaigns | None,
) -> dict[str, Shares]:
    """Return the campaigns of every channel that runs on the platform."""
    given = dict(campaigns or {})
    names = list(given) if channels is None else list(channels)
    meant = [label.casefold() for label in platform.labels]
    if channels is None and campaigns is None:
        names = [
            channel.name
            for channel in plan.channels
            if dict(channel.labels).get("platform", "").casefold() in meant
        ]
    if not names:
        raise InputError("bad-argument", say("channel-plan-labelled-platform",
                         name=repr(platform.name)), field="channels", value=platform.name,
                         remedy=say("remedy-label-those-run-name"))  # fmt: skip
    for name in (*names, *given):
        if name not in split or name not in names:
            where = "channel-not-in-week" if name not in split else "channel-not-on-sheet"
            raise InputError(
                "unknown-name",
                say(where, name=repr(name)),
                field="channels",
                value=name,
                remedy=did_you_mean(name, split if name not in split else names),
            )
    found = {name: _shares(name, given.get(name, name)) for name in dict.fromkeys(names)}
    _check_once([campaign for shares in found.values() for campaign in shares])
    return found


def _shares(channel: str, given: Any) -> Shares:
    if isinstance(given, str):
        given = {given: 1}
    elif not isinstance(given, Mapping):
        _check_once(given)
        given = dict.fromkeys(given, 1)
    shares = {
        name: Fraction(as_exact(share, of_name("share", name))) for name, share in given.items()
    }
    total = sum(shares.values())
    if not total:
        raise InputError(
            "bad-argument",
            say("campaigns-share-money", channel=repr(channel)),
            field="campaigns",
            value=channel,
            remedy=say("remedy-share-above-0"),
        )
    return {name: share / total for name, share in shares.items()}


def _check_once(names: Iterable[Any]) -> None:
    """Refuse a campaign that stands for two, and a name that cannot be shown."""
    there = set()
    for name in names:
        good = isinstance(name, str) and is_safe(name) and not is_blank(name)
        if name in there or not good:
            raise InputError(
                "bad-name",
                say("campaign-twice" if good else "campaign-not-shown", name=ascii(name)),
                field="campaigns",
                value=str(name),
                remedy=say("remedy-name-it-once")
                if good
                else say("remedy-write-without-invisible"),
            )
        there.add(name)


def _spent(
    plan: Plan,
    approved: Spends,
    given: History | Mapping[str, Any] | None,
    start: dt.date,
    first: dt.date,
) -> Spends:
    """Return what was spent in the week before its first day that gets a budget."""
    if first == start and given is None:
        return dict.fromkeys(approved, plan.money.amount(0))
    if given is None:
        raise InputError("bad-argument", say("week-begun-known-spent", start=start, first=first),
                         field="spent", remedy=say("remedy-history-channel-spent"))  # fmt: skip
    if isinstance(given, History):
        return _seen(plan, approved, given, start, first)
    for name in (*given, *approved):
        if name not in approved or name not in given:
            missing = name in approved
            raise InputError(
                "unknown-name",
                say("spent-says-nothing", name=repr(name))
                if missing
                else say("not-sheet", name=repr(name)),
                field="spent",
                value=name,
                remedy=say("remedy-what-spent-0") if missing else did_you_mean(name, approved),
            )
    minor = plan.money.minor
    return {n: plan.money.amount(minor(given[n], of_name("spent", n))) for n in approved}


def _seen(plan: Plan, approved: Spends, history: History, start: dt.date, first: dt.date) -> Spends:
    """Return what a history says was spent, where it has every day."""
    spent = dict.fromkeys(approved, 0)
    seen: dict[str, set[dt.date]] = {name: set() for name in approved}
    for key, money in actual_of(history, start).items():
        span = key if isinstance(key, Week) else Week(key, 1)
        days = {span.start + at * _DAY for at in range(span.days)}
        if span.start >= first:
            continue
        for name in approved.keys() & money.keys():
            seen[name] |= days
            spent[name] += plan.money.nearest(money[name])
    needed = {start + at * _DAY for at in range((first - start).days)}
    for name, days in seen.items():
        if days != needed:
            wrong = min(days ^ needed)
            raise InputError(
                "no-data",
                say(
                    "history-lacks-spend" if wrong in needed else "history-counts-spend",
                    name=repr(name),
                    day=wrong,
                    first=first,
                ),
                field="spent",
                value=name,
                remedy=say("remedy-history-up-day"),
            )
    return {name: plan.money.amount(minor) for name, minor in spent.items()}


def _rules(
    platform: Platform, plan: Plan, minimum: Any, step: Any, change: Any
) -> tuple[DayRules, list[str]]:
    """Return the rules in a plan's currency, and which of the platform's are not known in it."""
    code, money, notes = plan.currency, plan.money, list[str]()
    # Spends without a currency have more digits than any platform takes.
    least = money.amount(1) if code != "XXX" else Decimal("0.01")
    found = {"step": dict(platform.step).get(code, least)}
    for name, given in (("minimum", minimum), ("change", change)):
        declared = dict(getattr(platform, name))
        found[name] = declared.get(code, Decimal(0))
        if declared and code not in declared and given is None:
            known = listed(f"{show_amount(amount)} {of}" for of, amount in declared.items())
            what = say("upload-minimum") if name == "minimum" else say("upload-change")
            notes.append(say("upload-rule-unknown", rule=what, currency=code, known=known))
    for name, given in (("minimum", minimum), ("step", step), ("change", change)):
        if given is not None:
            found[name] = money.amount(money.minor(given, name))
    if not found["step"]:
        raise InputError("bad-argument", say("step-is-zero"), field="step", value=0,
                         remedy=say("remedy-amount-above-0"))  # fmt: skip
    return DayRules(**found), notes


def _left(
    plan: Plan, approved: Spends, spent: Spends, rules: DayRules
) -> tuple[dict[str, int], list[str]]:
    """Return what is left by channel in minor units, in whole steps that add up to all of it."""
    money, step = plan.money, plan.money.minor(rules.step, "step")
    left = {
        name: max(money.minor(amount, "approved") - money.minor(spent[name], "spent"), 0)
        for name, amount in approved.items()
    }
    total = sum(left.values())
    if total % step:
        raise InputError("broken-limit", say("left-multiple-step", total=money.show(total),
                         step=money.show(step)), field="step", value=str(rules.step),
                         remedy=say("remedy-finer-step-edit-week"))  # fmt: skip
    steps = rounded([Fraction(minor, step) for minor in left.values()])
    whole = {name: count * step for name, count in zip(left, steps, strict=True)}
    moved = [
        say("channel-money", channel=name, money=money.show(whole[name]))
        for name in left
        if whole[name] != left[name]
    ]
    note = say("upload-rounded", step=money.show(step), channels=listed(moved))
    return whole, [note] if moved else []


def _shared(left: int, shares: Shares, plan: Plan, rules: DayRules) -> dict[str, int]:
    """Return the money of every campaign of a channel, in whole steps that add up to it."""
    step = plan.money.minor(rules.step, "step")
    steps = rounded([share * (left // step) for share in shares.values()])
    return {name: count * step for name, count in zip(shares, steps, strict=True)}


def _daily(
    plan: Plan, campaign: str, minor: int, weights: Sequence[int], rules: DayRules
) -> tuple[tuple[Decimal, ...], bool]:
    """Return a campaign's money by day, and whether it lies on the days as the plan budgets them.

    Raises
    ------
    InputError
        ``broken-limit``.
    """
    money = plan.money
    step, minimum, change = (
        money.minor(getattr(rules, name), name) for name in ("step", "minimum", "change")
    )
    for cells, as_planned in _ways(minor, weights, step, change):
        if keeps(cells, minimum, change):
            return tuple(map(money.amount, cells)), as_planned
    count = sum(weight > 0 for weight in weights)
    days = say("one-day") if count == 1 else say("count-days", count=count)
    show = money.show
    if minor < count * minimum:
        least = -(-minimum // step) * step * count
        raise InputError("broken-limit", say("below-platform-minimum", campaign=repr(campaign),
                         minor=show(minor), days=days, minimum=show(minimum)), field="minimum",
                         value=str(rules.minimum), remedy=say("remedy-edit-week-least-nothing",
                         least=show(least)))  # fmt: skip
    raise InputError(
        "broken-limit",
        say(
            "cannot-daily-budgets-least",
            campaign=repr(campaign),
            minor=show(minor),
            days=days,
            minimum=show(minimum),
            change=show(change),
        ),
        field="change",
        value=str(rules.change),
        remedy=say("remedy-edit-week-multiple-least", count=show(count * step)),
    )


def _ways(
    minor: int, weights: Sequence[int], step: int, change: int
) -> Iterator[tuple[list[int], bool]]:
    """Yield splits over days, the best first, and whether days count as the plan budgets them.

    What is not shared goes on the last day: as little as may be, or at least what may change.
    """
    even = [int(weight > 0) for weight in weights]
    for shares in (list(weights), even):
        for apart in (0, -(-change // step) * step):
            if apart <= minor:
                parts = sum(shares) * step
                cells = [(minor - apart) * share // parts * step for share in shares]
                last = max(at for at, share in enumerate(shares) if share)
                cells[last] += minor - sum(cells)
                yield cells, shares == list(weights)


def keeps(cells: Sequence[int], minimum: int, change: int) -> bool:
    """Say whether daily budgets keep a minimum, where there are any, and a least change."""
    steady = all(a == b or 0 in (a, b) or abs(a - b) >= change for a, b in pairwise(cells))
    return steady and all(cell == 0 or cell >= minimum for cell in cells)


def _noted(
    platform: Platform,
    lines: Sequence[Line],
    approved: Spends,
    spent: Spends,
    even: Sequence[str],
) -> Iterator[str]:
    """Yield what is to be known of a sheet."""
    over = [
        say("channel-money", channel=name, money=show_amount(difference_of(spent[name], money)))
        for name, money in approved.items()
        if spent[name] > money
    ]
    if over:
        yield say("upload-overspent", channels=listed(over))
    if even:
        yield say("upload-even", campaigns=listed(map(quoted, even)))
    marked = [line.campaign for line in lines if as_cell(line.campaign) != line.campaign]
    if marked:
        yield say("upload-marked", campaigns=listed(map(quoted, marked)))
    if not platform.public:
        yield say("upload-columns", columns=listed(map(quoted, platform.header)))
