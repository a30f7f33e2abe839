r"""Paths of customers as outcomes by channel, by several rules side by side.

A path is the channels that somebody met, in order, with how many conversions such paths ended in.
`attribute` shares them out by each of `RULES`; what a rule makes of the same paths is a convention,
not a measurement, so that all are shown and their distance is the least error of any of them.
`Attribution.outcomes` has one rule's answer week by week, as a history takes it, and
`Attribution.evidence` all rules as lift tests with an error of their own, beside one total outcome.

Where this stops: paths tell who was met, not who was moved. Whoever would have bought anyway is on
a path too, so no rule knows what a channel causes; a lift test does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.errors import InputError, as_number, did_you_mean
from budgetopt.exchange.files import dates, numbers, refused, texts
from budgetopt.history import check_names, load_plain
from budgetopt.i18n import Message, in_language, quoted, say, show_figure
from budgetopt.notebook import Card, Shown
from budgetopt.plan import LiftTest
from budgetopt.report import Table, figures, laid_out, note_lines

if TYPE_CHECKING:
    import pandas as pd

_ENDS = 0.4
"""Share of the first and of the last touch in `position`; those between share the rest."""
_ERROR = 0.5
"""Error of any rule as a share of its answer: usual where experiments checked (see `evidence`)."""


class _Paths(NamedTuple):
    """Paths touch by touch.

    Parameters
    ----------
    path, channel
        Of each touch, in the order they happened, shape ``(touches,)``.
    length
        Touches of each path, shape ``(paths,)``.
    converted, lost
        How many of each path ended in a conversion and in none.
    value
        What the conversions of each path are worth: what is shared out.
    channels
        Number of channels.
    """

    path: NDArray[np.intp]
    channel: NDArray[np.intp]
    length: NDArray[np.intp]
    converted: Floats
    lost: Floats
    value: Floats
    channels: int

    @property
    def first(self) -> NDArray[np.intp]:
        """Position of each path's first touch."""
        ends: NDArray[np.intp] = np.cumsum(self.length) - self.length
        return ends

    def by_touch(self, share: Floats) -> Floats:
        """Return the value by channel where each touch has a share of its path's."""
        weight = share * self.value[self.path]
        return np.asarray(np.bincount(self.channel, weight, minlength=self.channels), np.float64)

    def only(self, paths: NDArray[np.bool_]) -> _Paths:
        """Return some paths."""
        touch = paths[self.path]
        number = np.cumsum(paths) - 1
        return _Paths(
            number[self.path[touch]],
            self.channel[touch],
            self.length[paths],
            self.converted[paths],
            self.lost[paths],
            self.value[paths],
            self.channels,
        )


def _last(paths: _Paths) -> Floats:
    share = np.zeros(paths.path.size)
    share[paths.first + paths.length - 1] = 1.0
    return paths.by_touch(share)


def _first(paths: _Paths) -> Floats:
    share = np.zeros(paths.path.size)
    share[paths.first] = 1.0
    return paths.by_touch(share)


def _linear(paths: _Paths) -> Floats:
    return paths.by_touch(1.0 / paths.length[paths.path])


def _position(paths: _Paths) -> Floats:
    r"""Return 40 % to the first and the last touch, the rest to those between; halves of two."""
    between = np.maximum(paths.length - 2, 1)
    share = ((1.0 - 2.0 * _ENDS) / between)[paths.path]
    end = np.where(paths.length > 2, _ENDS, 1.0 / np.minimum(paths.length, 2))
    share[paths.first] = end
    share[paths.first + paths.length - 1] = end
    return paths.by_touch(share)


def _shapley(paths: _Paths) -> Floats:
    r"""Return the Shapley values of the game in which a coalition has the paths it can make alone.

    With :math:`v(S) = \sum_{p:\, C_p \subseteq S} y_p` over paths ``p`` of channels :math:`C_p` and
    value :math:`y_p`, a sum of unanimity games, channel ``i`` has

    .. math:: \phi_i = \sum_{p:\, i \in C_p} y_p / |C_p| .

    References
    ----------
    Shapley (1953), A value for n-person games. Zhao, Mahboobi and Bagheri (2018), Shapley value
    methods for attribution modeling in online advertising, section 3.
    """
    met = np.unique(paths.path * paths.channels + paths.channel)
    path, channel = np.divmod(met, paths.channels)
    several = np.bincount(path, minlength=paths.length.size)
    weight = paths.value[path] / several[path]
    return np.asarray(np.bincount(channel, weight, minlength=paths.channels), np.float64)


def _markov(paths: _Paths) -> Floats:
    r"""Return the value in proportion to the removal effects of a Markov chain of first order.

    Channels are states between a start and two ends, conversion and none, with the transitions
    counted on the paths. With :math:`N = (I - Q)^{-1}` and :math:`x = N r` the chance of a
    conversion from each channel, :math:`P = s\,x` from the start. Who meets channel ``i`` does so
    for the first time with chance :math:`h_i = (s N)_i / N_{ii}`, so that without it
    :math:`h_i x_i` of the conversions are lost, and

    .. math:: e_i = h_i\,x_i / P .

    References
    ----------
    Anderl, Becker, von Wangenheim and Schumann (2016), Mapping the customer journey, section 3:
    removal effects. Kemeny and Snell (1960), Finite Markov
    chains, theorems 3.2.4 and 3.5.4, for the fundamental matrix.

    Notes
    -----
    A chain of first order remembers nothing but the last touch. Repeats of one channel change
    nothing. Where no path without a conversion is given, every channel's :math:`x_i` is 1.
    """
    n, count = paths.channels, paths.converted + paths.lost
    begin = np.bincount(paths.channel[paths.first], count, minlength=n)
    last = paths.channel[paths.first + paths.length - 1]
    after = np.ones(paths.path.size, np.bool_)
    after[paths.first] = False
    moves = np.zeros((n, n))
    at = np.flatnonzero(after)
    np.add.at(moves, (paths.channel[at - 1], paths.channel[at]), count[paths.path[at]])
    np.fill_diagonal(moves, 0.0)
    converted = np.bincount(last, paths.converted, minlength=n)
    out = moves.sum(axis=1) + np.bincount(last, count, minlength=n)
    # A channel on no path is never met; any way out of it will do.
    out = np.where(out > 0, out, 1.0)
    visits = np.linalg.inv(np.eye(n) - moves / out[:, None])
    chance = visits @ (converted / out)
    met = (begin @ visits) / np.diag(visits)
    effect = met * chance
    total = effect.sum()
    share: Floats = paths.value.sum() * effect / total if total > 0 else effect
    return share


RULES: dict[str, Callable[[_Paths], Floats]] = {
    "last": _last,
    "first": _first,
    "linear": _linear,
    "position": _position,
    "markov": _markov,
    "shapley": _shapley,
}
"""How conversions are shared out, by name; the whole value is shared out by each."""


@dataclass(frozen=True, repr=False)
class Attribution(Shown):
    """What each channel brought by each rule.

    Parameters
    ----------
    channels
        Their names, sorted.
    weeks
        First day of each row's week as the table has it; one None where it has no weeks.
    shares
        Outcome by week, rule and channel, shape ``(weeks, rules, channels)``.
    conversions
        Conversions on all paths.
    notes
        What a reader should know.
    """

    channels: tuple[str, ...]
    weeks: tuple[dt.date | None, ...]
    shares: Floats
    conversions: float
    notes: tuple[Message, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules, as `shares` has them."""
        return tuple(RULES)

    def total(self) -> Floats:
        """Return the outcome of all weeks, shape ``(rules, channels)``."""
        total: Floats = self.shares.sum(axis=0)
        return total

    def outcomes(self, rule: str) -> Floats:
        """Return one rule's outcome by week and channel.

        Raises
        ------
        InputError
            ``unknown-name``.
        """
        part: Floats = self.shares[:, _position_of(rule, self.rules, "rule")]
        return part

    def moved(self) -> float:
        """Return the share of the outcome that other channels get by some other rule, at most."""
        total = self.total()
        apart = np.abs(total[:, None] - total[None]).sum(axis=2).max() / 2
        return float(apart / total[0].sum())

    def evidence(
        self, spend: Mapping[str, float], *, weeks: float | None = None, error: float = _ERROR
    ) -> tuple[LiftTest, ...]:
        r"""Return all rules together as lift tests from nothing to the usual spend.

        A channel's outcome is the mean of the rules, its variance theirs plus the square of `error`
        times the mean: :math:`z = \bar a`, :math:`s^2 = \operatorname{var}(a) + (e\,\bar a)^2`.
        In a plan with one total outcome they stand beside its weeks, as ``Plan(lift_tests=...)``; a
        real lift test of the same channel, with its smaller error, then outweighs them. Beside
        outcomes by channel, which are attributed already, they would count the same thing twice.

        Parameters
        ----------
        spend
            Usual money per week of each channel that is wanted.
        weeks
            Number of weeks that the paths are of; by default those of the table.
        error
            Error that all rules share, 0.01 to 10, as a share of the answer.

        Raises
        ------
        InputError
            ``unknown-name``, ``bad-argument``.

        References
        ----------
        Gordon, Zettelmeyer, Bhargava and Chapsky (2019), A comparison of approaches to advertising
        measurement: errors of half the effect, and more, are usual without an experiment.
        """
        least = as_number(error, "error", least=0.01, most=10.0)
        if weeks is None and None in self.weeks:
            raise InputError("bad-argument", say("attribution-no-weeks"), field="weeks",
                             remedy=say("remedy-weeks-of-paths"))  # fmt: skip
        span = as_number(len(self.weeks) if weeks is None else weeks, "weeks", least=1e-3, most=1e4)
        each = self.total() / span
        mean = each.mean(axis=0)
        sd = np.hypot(each.std(axis=0), least * mean)
        found = []
        for name, money in spend.items():
            at = _position_of(name, self.channels, "spend")
            if not mean[at] > 0:
                raise InputError("bad-argument", say("attribution-nothing", channel=quoted(name)),
                                 field="spend", value=name,
                                 remedy=say("remedy-leave-channel-out"))  # fmt: skip
            found.append(LiftTest(name, float(mean[at]), float(sd[at]), high=money))
        return tuple(found)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a week, channel and rule: ``week, channel, rule, outcome``."""
        import pandas as pd

        week, rule, channel = np.indices(self.shares.shape).reshape(3, -1)
        return pd.DataFrame(
            {
                "week": [self.weeks[at] for at in week],
                "channel": np.array(self.channels)[channel],
                "rule": np.array(self.rules)[rule],
                "outcome": self.shares.ravel(),
            }
        )

    def table(self, language: str = "en") -> str:
        """Return a line a channel and a column a rule as text, ``"en"`` or ``"zh"``."""
        columns = [figures([*row, row.sum()], 4) for row in self.total()]
        names = [*self.channels, in_language(say("total"), language)]
        heads = [in_language(head, language) for head in self._heads()]
        parts: list[str | Table] = [self._title(), "", Table(heads, [names, *columns], total=True)]
        return laid_out([*parts, "", *note_lines(self.notes)], language)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "channels": list(self.channels),
            "weeks": [None if week is None else week.isoformat() for week in self.weeks],
            "rules": {rule: self.shares[:, at].tolist() for at, rule in enumerate(self.rules)},
            "conversions": self.conversions,
            "moved": self.moved(),
            "notes": [str(note) for note in self.notes],
        }

    def _card(self) -> Card:
        total = self.total()
        rows = [
            (name, *(f"{value:.4g}" for value in total[:, at]))
            for at, name in enumerate(self.channels)
        ]
        return Card(self._title(), self._heads(), rows)

    def _title(self) -> Message:
        conversions = show_figure(self.conversions)
        return say("attribution-title", conversions=conversions, moved=f"{self.moved():.0%}")

    def _heads(self) -> tuple[Message, ...]:
        rules = (say("rule-last"), say("rule-first"), say("rule-linear"), say("rule-position"))
        return (say("channel"), *rules, say("rule-markov"), say("rule-shapley"))


def _position_of(name: Any, known: Sequence[str], field: str) -> int:
    if name not in known:
        raise InputError("unknown-name", field=field, value=name, remedy=did_you_mean(name, known))
    return known.index(name)


@public
def attribute(
    paths: Any,
    *,
    path: str = "path",
    conversions: str = "conversions",
    value: str | None = None,
    lost: str | None = None,
    week: str | None = None,
    separator: str = ">",
) -> Attribution:
    """Share out what paths brought, by every rule.

    Parameters
    ----------
    paths
        A file or a data frame with one row a path, as ad platforms and analytics export them; of
        any kind that `budgetopt.history.History` reads.
    path
        Column of the channels that were met, first to last, such as ``feed > search > shop``.
    conversions
        Column of the number of conversions that the path ended in.
    value
        Column of what they are worth, which is then shared out in place of their number.
    lost
        Column of how often the path ended in none; only the Markov chain asks for it.
    week
        Column of a date of the path's week; each week is then shared out by itself.
    separator
        What stands between two channels of a path.

    Raises
    ------
    HistoryError
        ``bad-file``, ``bad-columns``, ``bad-number`` or ``bad-name``.
    CalendarError
        ``bad-date``.

    Examples
    --------
    >>> import pandas as pd
    >>> found = attribute(pd.DataFrame({"path": ["feed > shop", "shop"], "conversions": [6, 4]}))
    >>> dict(zip(found.channels, found.total()[found.rules.index("linear")].tolist()))
    {'feed': 3.0, 'shop': 7.0}
    """
    wanted = [name for name in (path, conversions, value, lost, week) if name is not None]
    table = load_plain(paths, wanted)
    amounts = {
        name: numbers(table, name, signed=False) for name in (conversions, value, lost) if name
    }
    days = None if week is None else dates(table, week)
    touches = [[part.strip() for part in cell.split(separator)] for cell in texts(table, path)]
    names = check_names(sorted({name for touched in touches for name in touched}), path)
    number = {name: at for at, name in enumerate(names)}
    length = np.array([len(touched) for touched in touches], dtype=np.intp)
    converted = amounts[conversions]
    every = _Paths(
        np.repeat(np.arange(length.size), length),
        np.array([number[name] for touched in touches for name in touched], dtype=np.intp),
        length,
        converted,
        np.zeros(length.size) if lost is None else amounts[lost],
        converted if value is None else amounts[value],
        len(names),
    )
    if not every.value.sum() > 0 or not converted.sum() > 0:
        raise refused("bad-number", value or conversions, say("attribution-no-conversions"),
                      say("remedy-name-conversions"))  # fmt: skip
    weeks = [None] if days is None else np.unique(days).tolist()
    parts = [every] if days is None else [every.only(days == np.datetime64(day)) for day in weeks]
    shares = np.array([[rule(part) for rule in RULES.values()] for part in parts])
    return Attribution(names, tuple(weeks), shares, float(converted.sum()), _notes(every, lost))


def _notes(paths: _Paths, lost: str | None) -> tuple[Message, ...]:
    """Return what a reader should know of the paths."""
    said = [say("attribution-meaning")]
    if (paths.length == 1).all():
        said.append(say("attribution-single-touches"))
    if lost is None:
        said.append(say("attribution-no-lost"))
    return tuple(said)
