"""Accounts by the thousand, learned and decided one night after another.

Each account is an `Account`: a plan and its history, or the files that they are read from, which
is done by the worker. `Portfolio.reallocate` answers for every one of them what `reallocate` would,
to the bit: learning goes on from what the store keeps, which changes no digit (`learn`). An account
that fails is a row with its error, and nothing of the others changes. The answer does not depend on
the executor, on chunks or on order, and a run that was killed is run again: what is in the store
from the same inputs is not computed twice.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from budgetopt.arguments import public
from budgetopt.belief import Belief, Restart, learn
from budgetopt.errors import BudgetoptError, InputError
from budgetopt.history import History
from budgetopt.i18n import in_language, listed, quoted, say
from budgetopt.market import Change
from budgetopt.notebook import brief
from budgetopt.optimize import Allocation, last_spend, week_decided, whole_weeks
from budgetopt.plan import Plan, as_count
from budgetopt.policies import Policy, as_policy
from budgetopt.portfolio.pooled import Lesson, Priors, lent, lesson_of, with_lent
from budgetopt.portfolio.shared import Line, line_of, set_aside, share
from budgetopt.portfolio.store import Folder, Kept, Store
from budgetopt.version import VERSION
from budgetopt.weekly import Decision, reallocate
from budgetopt.workers import Handed
from budgetopt.workflow import plan_fingerprint, policy_record, stale

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
LOG = logging.getLogger("budgetopt.portfolio")
_MOST_AT_ONCE = 10_000
_WAITING = 32
"""Chunks that are handed out and not yet joined, so that memory stays bounded."""
STALE = "data-stale"
"""Code of an account whose history ended long ago, as of the alert of the weekly run."""
_MONEY = ("budget", "spend", "unspent", "last", "change")


@public
@brief
@dataclass(frozen=True)
class Account:
    """One plan with its history.

    Parameters
    ----------
    key
        Name of the account, which no other has.
    plan
        The plan, or its file.
    history
        The history; or its files, or a data frame, which are read with the plan's columns; None
        where there is nothing.
    as_of
        Day on which files and frames are read; weeks that are not over then do not count, and a
        history that ended long before is called stale (`AlertRules.stale_days`).
    like
        What kind of account it is, such as ``"grocers"``: those of one kind lend each other what
        they know of their channels where `reallocate` is told to pool. None is a kind too.
    """

    key: str
    plan: Plan | str | Path | None
    history: Any
    as_of: dt.date | str | None = None
    like: str | None = None

    def load(self) -> tuple[Plan, History]:
        """Return plan and history, read where they are files.

        Raises
        ------
        BudgetoptError
            Where they cannot be read.
        """
        if self.history is None:
            raise self._without("history")
        plan, past = self.load_plan(), self.history
        if isinstance(past, History):
            return plan, past
        files = isinstance(past, (str, PathLike, tuple, list))
        read = History.read if files else History.from_frame
        options: dict[str, Any] = {"week_start": plan.week_start, "as_of": self.as_of}
        past = read(past, plan.columns, channels=plan.names, **options)
        past.check_currency(plan.currency)
        return plan, past

    def load_plan(self) -> Plan:
        """Return the plan, read where it is a file."""
        if self.plan is None:
            raise self._without("plan")
        return self.plan if isinstance(self.plan, Plan) else Plan.load(self.plan)

    def _without(self, field: str) -> InputError:
        problem = say("account-without-plan" if field == "plan" else "account-without-history")
        return InputError("no-data", problem, field=field, remedy=say("remedy-account-without"))


class _Doubled(Account):
    """An account whose name another has."""

    def load(self) -> tuple[Plan, History]:
        """Refuse it."""
        raise InputError(
            "bad-name",
            say("account-doubled", account=quoted(self.key)),
            field="account",
            value=self.key,
            remedy=say("remedy-account-doubled"),
        )


class _Request(NamedTuple):
    """What is asked of every account; `Portfolio.reallocate`."""

    week: dt.date | str | None
    policy: Policy | None
    seed: int
    store: Store | None
    language: str


class _Answer(NamedTuple):
    """The rows of one account: its status, and its channels."""

    status: dict[str, Any]
    channels: list[dict[str, Any]]


@dataclass(frozen=True)
class _InPortfolio(Account):
    """An account and what the others mean for it.

    Parameters
    ----------
    one
        The account as it was given, which may load in its own way.
    lent
        Priors of its channels that like accounts lend it.
    share, failure
        Its part of a budget that many share, or how it failed to get one.
    """

    one: Account = field(kw_only=True)
    lent: Priors = field(default_factory=dict)
    share: Decimal | None = None
    failure: _Answer | None = None

    @classmethod
    def of(cls, one: Account, **more: Any) -> Self:
        """Return an account with more of what the others mean for it."""
        if isinstance(one, cls):
            return replace(one, **more)
        return cls(one.key, one.plan, one.history, one.as_of, one.like, one=one, **more)

    def load(self) -> tuple[Plan, History]:
        """Return the plan with what its channels are lent, and the history."""
        plan, past = self.one.load()
        return with_lent(plan, self.lent), past

    def load_plan(self) -> Plan:
        """Return the plan with what its channels are lent."""
        return with_lent(self.one.load_plan(), self.lent)


@public
@brief
@dataclass(frozen=True)
class PortfolioRun:
    """What came of a night.

    Parameters
    ----------
    accounts
        One row an account, in the order in which they were given: ``account``, ``status``
        (``decided`` or ``failed``), ``code`` and ``message`` of the error, or ``data-stale`` where
        it was decided by a history that ended long ago, ``data_through``, the last day of the
        history, and of the decision its ``notes``, one a line and none on carryover, ``week``,
        ``budget``, ``spend``, ``unspent``, ``outcome`` with its range ``low`` to ``high``, the
        ``objective`` that the goal makes of it and its ``bound``, ``gap``, ``method``, ``policy``
        and ``guards``, how many guardrails fired. Money is text with every digit.
    channels
        One row a channel of every decided account: ``account``, ``week``, ``channel``, ``last``,
        ``spend``, ``change`` and ``reason``.
    shares
        How a shared budget is split over the accounts, whose channels are accounts; None where each
        has its own. Its outcome is that of frontiers, and an account that failed brings nothing.
    lent
        Priors by account and channel that like accounts lent; None where they were not to pool.
    """

    accounts: tuple[Mapping[str, Any], ...]
    channels: tuple[Mapping[str, Any], ...]
    shares: Allocation | None = None
    lent: Mapping[str, Priors] | None = None

    @property
    def failed(self) -> tuple[Mapping[str, Any], ...]:
        """The rows of the accounts that failed."""
        return tuple(row for row in self.accounts if row["status"] == "failed")

    @property
    def stale(self) -> tuple[Mapping[str, Any], ...]:
        """The rows of the accounts that were decided by a history that ended long ago."""
        return tuple(row for row in self.accounts if row["code"] == STALE)

    @property
    def share_failed(self) -> float:
        """Share of the accounts that failed, 0 where there are none."""
        return len(self.failed) / max(1, len(self.accounts))

    def status(self) -> pd.DataFrame:
        """Return one row an account; money is `Decimal`."""
        return _frame(self.accounts, _STATUS)

    def spends(self) -> pd.DataFrame:
        """Return one row a channel of every account; money is `Decimal`."""
        return _frame(self.channels, _CHANNELS)


_STATUS = (
    *(
        "account",
        "status",
        "code",
        "message",
        "data_through",
        "notes",
        "week",
        "budget",
        "spend",
        "unspent",
        "outcome",
    ),
    *("low", "high", "objective", "bound", "gap", "method", "policy", "guards"),
)
_CHANNELS = ("account", "week", "channel", "last", "spend", "change", "reason")


def _frame(rows: Iterable[Mapping[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    table = {
        name: [
            Decimal(row[name]) if name in _MONEY and row[name] is not None else row[name]
            for row in rows
        ]
        for name in columns
    }
    return pd.DataFrame(table, columns=list(columns))


@public
class Portfolio:
    """Many accounts, decided in one call.

    Parameters
    ----------
    accounts
        `Account`, in any order; an iterator is gone through once, and need not fit into memory.

    Examples
    --------
    >>> import budgetopt as bo
    >>> bo.Portfolio([]).reallocate().accounts
    ()
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        self.accounts = accounts

    @classmethod
    def read(cls, folder: str | Path, *, as_of: dt.date | str | None = None) -> Portfolio:
        """Return the accounts of a folder: a subfolder each, with ``plan.toml`` and ``history.*``.

        Parameters
        ----------
        folder
            The folder; accounts are named after their subfolders.
        as_of
            As in `Account`.

        Raises
        ------
        InputError
            ``bad-file`` where it is no folder, or has no subfolder.
        """
        root = Path(folder)
        parts = sorted(part for part in root.iterdir() if part.is_dir()) if root.is_dir() else []
        parts = [part for part in parts if not part.name.startswith(".")]
        if not parts:
            raise InputError(
                "bad-file",
                say("portfolio-without-accounts", folder=str(folder)),
                field="folder",
                value=str(folder),
                remedy=say("remedy-portfolio-folder"),
            )
        return cls([_of_folder(part, as_of) for part in parts])

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        plans: Plan | Mapping[str, Plan],
        *,
        account: str = "account",
        as_of: dt.date | str | None = None,
        like: Mapping[str, str] | None = None,
    ) -> Portfolio:
        """Return the accounts of a long data frame with a column that names them.

        Parameters
        ----------
        frame
            What `History.from_frame` reads, of pandas, with one more column.
        plans
            The plan of every account by its name, or one for all. An account without a plan, or
            without a row, fails alone.
        account
            The column.
        as_of
            As in `Account`.
        like
            What kind of account each is, by its name; None where all are alike.

        Raises
        ------
        InputError
            ``unknown-name`` where there is no such column.
        """
        if account not in frame.columns:
            raise InputError(
                "unknown-name",
                say("frame-without-account", column=repr(account)),
                field="account",
                value=account,
                remedy=say("remedy-frame-account"),
            )
        parts = {str(key): part for key, part in frame.groupby(account, sort=True)}
        named = dict.fromkeys(parts, plans) if isinstance(plans, Plan) else plans
        keys = dict.fromkeys([*named, *parts])
        kinds = like or {}
        return cls([Account(k, named.get(k), parts.get(k), as_of, like=kinds.get(k)) for k in keys])

    def reallocate(
        self,
        *,
        week: dt.date | str | None = None,
        policy: Policy | str | None = None,
        seed: int = 0,
        store: Store | str | PathLike[str] | None = None,
        executor: Executor | None = None,
        chunk: int = 8,
        language: str = "en",
        shared: Plan | Decimal | str | float | None = None,
        pool: bool = False,
    ) -> PortfolioRun:
        """Decide one week of every account; each is what `reallocate` answers, to the bit.

        Parameters
        ----------
        week, policy, seed
            As in `reallocate`, for every account.
        store
            Where to keep what was learned and decided, a folder or a `Store`; None for nowhere.
        executor
            Any executor of `concurrent.futures`; None to do all here. A chunk whose worker dies
            is done again.
        chunk
            Accounts that a worker is given at once, at least 1.
        language
            Of reasons and messages.
        shared
            Money per week that all accounts share, in place of their own budgets; or a plan whose
            channels are the accounts, for floors, caps, groups and change limits of theirs. It is
            split by what each account's best split brings along a range of budgets, so that every
            account is gone through twice; one that fails keeps the budget of its own plan.
        pool
            Whether accounts of one kind (`Account.like`) lend each other priors of channels with
            less than a year of weeks: the answer is then that of `reallocate` on a plan which
            declares them. Every account is gone through twice. A row says what it was lent.

        Raises
        ------
        InputError
            ``bad-argument`` or ``unknown-name`` for a policy, seed, language or chunk that no
            account could use; what is wrong with an account is a row. Of `shared`, ``bad-argument``
            where the accounts' weeks differ, and ``unknown-name`` where it names others.
        PlanError
            ``bad-plan`` where accounts that share differ in currency, or in what they bring;
            ``bounds-clash`` where one's cap is below what its own limits ask for.
        InfeasibleError
            Where no split of what is shared keeps the limits.
        """
        in_language("", language)
        size = as_count(chunk, "chunk", _MOST_AT_ONCE)
        if not (store is None or isinstance(store, (str, PathLike)) or hasattr(store, "write")):
            raise InputError(
                "bad-argument",
                say("field-is", field="store", value=repr(store)),
                field="store",
                value=repr(store),
                remedy=say("remedy-portfolio-store"),
            )
        chosen = None if policy is None else as_policy(policy)
        kept = Folder(store) if isinstance(store, (str, PathLike)) else store
        request = _Request(week, chosen, seed, kept, language)
        accounts, shares, priors = iter(self.accounts), None, None
        if pool:
            every = tuple(self.accounts)
            lessons = _answers(_lesson, request, iter(every), size, executor)
            priors = lent(lesson for lesson in lessons if lesson is not None)
            accounts = (_InPortfolio.of(one, lent=priors.get(one.key, {})) for one in every)
        if shared is not None:
            many = tuple(accounts)
            found = list(_answers(_lined, request, iter(many), size, executor))
            # Of two accounts of one name the second fails, and has no share.
            lines = tuple({line.account: line for line, _ in reversed(found)}.values())
            shares = share(shared, lines) if any(line.week for line in lines) else None
            money = {} if shares is None else shares.spend
            accounts = (
                _InPortfolio.of(one, share=money.get(one.key), failure=failure)
                for one, (_, failure) in zip(many, found, strict=True)
            )
        rows: list[Mapping[str, Any]] = []
        channels: list[Mapping[str, Any]] = []
        for answer in _answers(_answer, request, accounts, size, executor):
            rows.append(answer.status)
            channels += answer.channels
        return PortfolioRun(tuple(rows), tuple(channels), shares, priors)


def _of_folder(folder: Path, as_of: dt.date | str | None) -> Account:
    files = tuple(sorted(file for file in folder.glob("history*") if file.is_file()))
    plan = folder / "plan.toml"
    return Account(folder.name, plan if plan.exists() else None, files or None, as_of)


def _lesson(request: _Request, account: Account) -> Lesson | None:
    """Return what an account can lend, and keep what it learned; None where it fails."""
    with suppress(Exception):
        plan, past = account.load()
        kept = _kept(request, account)
        belief = _learned(request, plan, past, kept.restart)[2]
        if request.store is not None:
            learned = Restart.to_bytes(belief)
            if learned != kept.learned:
                request.store.write(account.key, kept._replace(learned=learned).to_bytes())
        return lesson_of(account.key, account.like, plan, belief)
    return None


def _lined(request: _Request, account: Account) -> tuple[Line, _Answer | None]:
    """Return what an account brings along a range of budgets; where it fails, what it keeps."""
    try:
        plan, past = account.load()
        start, whole, belief = _learned(request, plan, past, _kept(request, account).restart)
        return line_of(account.key, plan, belief, last_spend(plan, whole), start), None
    except Exception as error:  # noqa: BLE001 - whatever it fails of, the others go on
        failure = _failed(request, account, error)
    with suppress(Exception):
        return set_aside(account.key, account.load_plan()), failure
    return set_aside(account.key, None), failure


def _answers(
    work: Callable[[_Request, Account], T],
    request: _Request,
    accounts: Iterator[Account],
    chunk: int,
    executor: Executor | None,
) -> Iterator[T]:
    """Yield the answers in the order of the accounts, wherever they are worked out."""
    keys: set[str] = set()

    def once() -> Iterator[Account]:
        for account in accounts:
            # A second account of one name would take the first one's place in the store.
            doubled = account.key in keys
            keys.add(account.key)
            yield _Doubled(account.key, None, None) if doubled else account

    whole = once()
    chunks = iter(lambda: tuple(islice(whole, chunk)), ())
    if executor is None:
        for some in chunks:
            yield from _chunk(work, request, some)
        return
    waiting: deque[Handed[list[T]]] = deque()
    try:
        for some in chunks:
            waiting.append(Handed(executor, _chunk, work, request, some))
            if len(waiting) >= _WAITING:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for one in waiting:
            one.cancel()


def _chunk(
    work: Callable[[_Request, Account], T], request: _Request, accounts: Iterable[Account]
) -> list[T]:
    """Return what is asked of some accounts; what a worker does."""
    return [work(request, account) for account in accounts]


def _answer(request: _Request, account: Account) -> _Answer:
    """Return the rows of an account, with the error where it fails."""
    if isinstance(account, _InPortfolio) and account.failure is not None:
        # Not tried again, as what it keeps is set aside.
        return account.failure
    try:
        return _Answer(*_decided(request, account))
    except Exception as error:  # noqa: BLE001 - whatever an account fails of, the others go on
        return _failed(request, account, error)


def _failed(request: _Request, account: Account, error: Exception) -> _Answer:
    """Return the row of an account that failed."""
    if isinstance(error, BudgetoptError):
        code, said = error.code, error.explain(request.language)
    elif isinstance(error, OSError):
        code, said = "bad-file", str(error)
    else:
        code, said = "internal", f"{type(error).__name__}: {error}"
    row = dict.fromkeys(_STATUS) | {"account": account.key, "status": "failed"}
    return _Answer(row | {"code": code, "message": str(said)}, [])


def _decided(request: _Request, account: Account) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the rows of an account from its store, or decide it and keep them there.

    Whether its history is stale depends on the day, and is not kept.
    """
    plan, past = account.load()
    placed = _InPortfolio.of(account)
    inputs, store = _fingerprint(request, plan, past, placed.share), request.store
    kept = _kept(request, account)
    resumed = kept.inputs == inputs
    if not resumed:
        decision, learned = _decide(request, plan, past, kept.restart, placed.share)
        notes = decision.notes
        if placed.lent:
            notes = (*notes, say("portfolio-lent", channels=listed(map(quoted, placed.lent))))
        rows = _rows(account.key, decision, past.through, notes, request.language)
        # The next night goes on from what was learned without what others lent for this one.
        kept = Kept(account.key, inputs, rows, kept.learned if placed.lent else learned)
        if store is not None:
            store.write(account.key, kept.to_bytes())
    LOG.info("%s: %s", account.key, "taken from the store" if resumed else "decided")
    status, channels = kept.rows
    if account.as_of is None:
        return status, channels
    for alert in stale(plan.operation.alerts, past, account.as_of):
        said = in_language(alert.sentence, request.language)
        status = status | {"code": STALE, "message": said}
    return status, channels


def _kept(request: _Request, account: Account) -> Kept:
    """Return what the store has of an account, which may be nothing."""
    store = request.store
    return Kept.from_bytes(None if store is None else store.read(account.key), account.key)


def _learned(
    request: _Request, plan: Plan, past: History, earlier: Restart | None
) -> tuple[dt.date, History, Belief]:
    """Return the start of the week to decide, the weeks before it, and what they taught."""
    known = past.select(plan.names, plan.currency)
    start = week_decided(known, request.week)
    whole = whole_weeks(known.until(start), start)
    # Whether carryover was missed is no part of a row's notes: it takes longer than the rest.
    return start, whole, learn(whole, plan, earlier=earlier, carryovers=False)


def _decide(
    request: _Request, plan: Plan, past: History, earlier: Restart | None, share: Decimal | None
) -> tuple[Decision, bytes]:
    """Return the decision of `reallocate`, and what was learned for it as bytes."""
    belief = _learned(request, plan, past, earlier)[2]
    decision = reallocate(
        plan,
        past,
        week=request.week,
        policy=request.policy,
        seed=request.seed,
        belief=belief,
        change=None if share is None else Change.of_budget(share),
    )
    return decision, b"" if request.store is None else Restart.to_bytes(belief)


def _fingerprint(request: _Request, plan: Plan, past: History, share: Decimal | None = None) -> str:
    """Return the name of all that a decision is made from."""
    policy = None if request.policy is None else policy_record(request.policy)
    about: list[Any] = [VERSION, _STATUS, plan_fingerprint(plan), past.fingerprint]
    shared = [] if share is None else [str(share)]
    about += [str(request.week), policy, request.seed, request.language, *shared]
    text = json.dumps(about, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(
    account: str,
    decision: Decision,
    through: dt.date | None,
    notes: tuple[str, ...],
    language: str,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a decision as rows that JSON holds."""
    week, split = str(decision.week.start), decision.allocation
    spread = split.spread
    status = {
        "account": account,
        "status": "decided",
        "code": "",
        "message": "",
        "data_through": None if through is None else str(through),
        "notes": "\n".join(in_language(note, language) for note in notes),
        "week": week,
        "budget": str(split.budget),
        "spend": str(split.total),
        "unspent": str(split.unspent),
        "outcome": split.outcome,
        "low": None if spread is None else spread.low,
        "high": None if spread is None else spread.high,
        "objective": split.objective,
        "bound": split.bound,
        "gap": split.gap,
        "method": split.method,
        "policy": decision.decided_by,
        "guards": len(decision.fired),
    }
    channels = [
        {
            "account": account,
            "week": week,
            "channel": move.channel,
            "last": None if move.before is None else str(move.before),
            "spend": str(move.after),
            "change": str(move.change),
            "reason": str(in_language(move.reason, language)),
        }
        for move in decision.moves
    ]
    return status, channels
