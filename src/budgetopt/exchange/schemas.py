"""JSON Schemas of what commands write as JSON, made of the records that are written.

A field of a record is declared once, in its class; what `to_dict` puts beside the fields stands
here. Everything else is refused, so that a test that validates what is written finds what is not
said. Money is decimal text, so that no reader rounds it; what is not known is null.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import models_json_schema

from budgetopt.belief import ChannelSummary, Treated
from budgetopt.calendar import Period
from budgetopt.errors import InputError, did_you_mean
from budgetopt.experiments import NextDay, PilotVerdict, Verdict
from budgetopt.history import Import
from budgetopt.ledger import Entry
from budgetopt.messages import say
from budgetopt.optimize import Allocation, Spread
from budgetopt.version import VERSION
from budgetopt.weekly import Intervention, Move, TargetStatus
from budgetopt.workflow import Line, Movement, Paced, Warned

Money = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="money, exact")]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="a date")]
Share = Annotated[float, Field(ge=0, description="a share: 0.1 is ten percent")]
Unbounded = float | Literal["inf", "-inf", "nan"]
"""A number that JSON may have no way to write, such as an infinite slope."""
Plain = Annotated[dict[str, Any], Field(description="as the library writes and reads it back")]
ByChannel = dict[str, float | None]


class Strict(BaseModel):
    """A table without other fields."""

    model_config = ConfigDict(extra="forbid")


class Wide(BaseModel):
    """A table with a column of numbers beside these for each channel or outcome."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]


class Said(Strict):
    """A sentence as its code and values, for other languages."""

    code: str
    values: dict[str, Any]


Words = Annotated[dict[str, Said], Field(description="sentences above by their English")]


def _table(kind: Any, name: str, without: Collection[str] = (), **more: Any) -> type[BaseModel]:
    """Return the table that a record is written as: its fields, and what stands beside them."""
    hints = get_type_hints(kind)
    names = getattr(kind, "_fields", ()) or [one.name for one in fields(kind)]
    made: dict[str, Any] = {n: (_written(hints[n]), ...) for n in names if n not in without}
    made |= {n: one if isinstance(one, tuple) else (one, ...) for n, one in more.items()}
    table: type[BaseModel] = create_model(name, __base__=Strict, **made)
    table.__doc__ = (kind.__doc__ or "").partition("\n")[0]
    return table


_WRITTEN: dict[Any, Any] = {Decimal: Money, dt.date: Day, np.datetime64: Day}


def _written(hint: Any) -> Any:
    """Return what JSON holds for the type of a field."""
    if hint in _WRITTEN:
        return _WRITTEN[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        return _table(hint, hint.__name__)
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(map(_written, parts))]  # noqa: UP007
    if origin is tuple:
        return list[_written(parts[0])]  # type: ignore[misc]
    if origin in (dict, Mapping):
        return dict[str, _written(parts[1])]  # type: ignore[misc]
    return hint


SpreadTable = _table(Spread, "Spread")
AllocationTable = _table(
    Allocation,
    "Allocation",
    ("rules", "plan", "spread", "marginal"),
    schema_version=int,
    marginal=dict[str, Unbounded],
    spread=SpreadTable | None,
    budget=Money,
    gap=Unbounded,
    proven=bool,
    unspent=Money,
    binding=list[str],
    rules=Plain,
    plan=(Plain, {}),
    words=Words,
)
InterventionTable = _table(
    Intervention, "Intervention", ("figures",), figures=dict[str, Unbounded], words=Words
)


MoveTable = _table(Move, "Move", reason=str)
TargetTable = _table(TargetStatus, "TargetStatus", state=str)


class Beyond(Strict):
    """A better split that the change limits keep out of reach."""

    more: float
    share: float
    climbs: bool
    goal: str
    sentence: str


class Decision(Strict):
    """One week's decision: the split, what moves and why."""

    schema_version: int
    week: Day
    iso_week: str
    policy: str
    decided_by: str
    seed: int
    gain: float | None
    gain_of_split: float | None
    gain_of_money: float | None
    gain_in_outcome: float | None
    gain_on_priors: float | None
    history: str
    notes: list[str]
    fired: list[InterventionTable]  # type: ignore[valid-type]
    beyond: Beyond | None
    moves: list[MoveTable]  # type: ignore[valid-type]
    targets: list[TargetTable] = []  # type: ignore[valid-type]
    words: Words
    allocation: AllocationTable  # type: ignore[valid-type]


class FrontierPoint(Wide):
    """One budget; beside these, money by channel as ``spend of NAME``."""

    budget: float
    spend: float | None
    outcome: float | None
    outcome_low: float | None
    outcome_high: float | None
    value: float | None = None
    roas: float | None = None
    mroas: float | None = None
    cpa: float | None = None
    marginal_cpa: float | None = None
    gap: float | None
    binding: str
    problem: str


class Frontier(Strict):
    """What smaller and larger budgets return, and where the last unit breaks even."""

    points: list[FrontierPoint]
    knee: Money | None
    notes: list[str]


class Case(Wide):
    """One change; beside these, its return by name and money by channel as ``spend on NAME``."""

    change: str
    budget: float | None
    spend: float | None
    outcome: float | None
    more_outcome: float | None = Field(alias="more outcome")
    problem: str
    changed: list[Said]


class WhatIf(Strict):
    """Answers side by side, the plan as it is first."""

    currency: str
    outcome: str
    cases: list[Case]
    notes: list[str]


class Week(Strict):
    """One week of a schedule."""

    week: Day
    spend: dict[str, Money]
    outcome: dict[str, float]


class Variation(Strict):
    """By how much weeks vary on purpose, by channel, what that costs and teaches."""

    share: dict[str, float]
    before: dict[str, float]
    after: dict[str, float]
    cost: float
    worth: float


class Schedule(Strict):
    """Many weeks planned together."""

    currency: str
    outcome: float
    outcome_after: float
    objective: float
    bound: float
    gap: float
    mix: float | None
    mix_objective: float | None
    goal: str
    kinds: dict[str, float]
    spread: SpreadTable | None  # type: ignore[valid-type]
    variation: Variation | None
    weeks: list[Week]
    notes: list[str]


class Split(Strict):
    """A split and what it brings."""

    spend: dict[str, Money]
    outcome: float
    objective: float


class Step(Split):
    """A week of a path, with the limits at which channels stand."""

    limits: dict[str, str]


class Path(Strict):
    """A weekly path to the far optimum."""

    name: str
    weeks: int
    reached: int | None
    total: float
    lost: float
    stopped: bool
    steps: list[Step]


class Ramp(Strict):
    """The far optimum, the weekly path to it, and faster ones."""

    far: Split
    path: Path
    grow_first: Path
    faster: Path
    worth_of_faster: float
    worth_of_none: float
    worth_of_growing: float
    notes: list[str]


class Range(Strict):
    """A mean and a range around it."""

    mean: float
    low: float
    high: float


class PolicyRecord(Strict):
    """How a policy would have done."""

    policy: str
    weeks: int
    failed: dict[str, int]
    moved: float | None
    spent: float | None
    untried: float | None
    gain: Range | None


class ChannelRecord(Strict):
    """How well the outcomes of a channel were foreseen."""

    channel: str
    weeks: int
    outcome: float | None
    expected: float | None
    error: float | None
    usual_error: float | None
    inside: float | None


class Calibration(Strict):
    """How many outcomes lay inside their range."""

    level: Share
    inside: Share | None
    outcomes: int


class PastWeek(Strict):
    """A past week: what was done, what came, and what policies advised."""

    week: Day
    spend: ByChannel
    outcome: ByChannel
    expected: ByChannel
    usual: ByChannel
    rank: ByChannel
    advised: dict[str, ByChannel]
    failed: dict[str, str]


class Backtest(Strict):
    """Past weeks decided again with what was known before them."""

    schema_version: int
    channels: list[str]
    currency: str
    source: str
    level: Share
    policies: list[PolicyRecord]
    records: list[ChannelRecord]
    calibration: list[Calibration]
    weeks: list[PastWeek]
    notes: list[str]


class ChannelMoney(Strict):
    """What a channel was approved and has spent."""

    channel: str
    approved: Money
    spent: Money


class CampaignBudget(Strict):
    """Daily budgets of a campaign, one for each of the days."""

    channel: str
    campaign: str
    daily: list[Money]
    total: Money


class Upload(Strict):
    """An approved week as daily budgets of a platform."""

    schema_version: int
    platform: str
    currency: str
    week: Day
    state: str
    revision: int
    days: list[Day]
    channels: list[ChannelMoney]
    budgets: list[CampaignBudget]
    total: Money
    rules: dict[str, str]
    notes: list[str]


class ReadingDecision(Strict):
    """What was decided in reading a file, such as a field of ``[history]``."""

    what: str
    text: str


ImportTable = _table(Import, "Import", ("decisions",), decisions=list[ReadingDecision], words=Words)


class Check(Strict):
    """What a plan and a history say, and what was decided in reading each file."""

    said: list[str]
    words: Words
    files: list[ImportTable]  # type: ignore[valid-type]


EntryTable = _table(
    Entry, "Entry", ("at", "body"), at=str, data=(Plain, ...),
    hash=Annotated[str, Field(description="SHA-256 of the entry with the hash before it")]
)  # fmt: skip
LineTable = _table(Line, "Line", pace=float | None, delivery=float | None, over=Money)
PacedTable = _table(
    Paced, "Paced", ("lines", "total", "warned"), lines=list[LineTable], total=LineTable,  # type: ignore[valid-type]
    warned=list[_table(Warned, "Warned", early=bool)]  # type: ignore[misc]
)  # fmt: skip


class Reserve(Strict):
    """One kind of reserve within a fiscal period."""

    built: Money
    taken: Money
    balance: Money


class Balances(Strict):
    """What a fiscal period has held back, taken and left, by kind of reserve."""

    currency: str
    period: _table(Period, "Period")  # type: ignore[valid-type]
    contingency: Reserve
    test: Reserve
    holdout: Reserve


class Pace(Strict):
    """The pace on one day, over each span that the day lies in."""

    today: Day
    currency: str
    week: PacedTable  # type: ignore[valid-type]
    period: PacedTable  # type: ignore[valid-type]
    phase: PacedTable | None = None  # type: ignore[valid-type]
    campaign: PacedTable | None = None  # type: ignore[valid-type]


class Pacing(Pace):
    """The pace on one day, with what the reserves hold."""

    balances: Balances


class Estimate(Strict):
    """A mean and a range around it; null where nothing is known or it is endless."""

    mean: float | None
    low: float | None
    high: float | None


class CurveReading(Strict):
    """A curve at a spend; CPA in place of ROAS where the outcome is a count."""

    spend: float
    response: Estimate
    roas: Estimate | None = None
    mroas: Estimate | None = None
    cpa: Estimate | None = None
    marginal_cpa: Estimate | None = None


LearnedChannel = _table(
    ChannelSummary, "LearnedChannel",
    at_reference=CurveReading, at_usual=CurveReading | None, curve=list[CurveReading],
    saturation=Estimate, drift=Estimate | None, noise=Estimate | None
)  # fmt: skip


class Learned(Strict):
    """What was learned from a history: every curve with its range, and how well it foresees."""

    schema_version: int
    source: str
    weeks: int
    first: Day
    last: Day
    through: Day | None
    history: str
    level: Share
    reference: float
    calibration: dict[str, float | None]
    week_effect: dict[str, float]
    fit: Plain | None
    held_out: Plain | None
    channels: list[LearnedChannel]  # type: ignore[valid-type]
    treated: list[_table(Treated, "TreatedWeeks")]  # type: ignore[valid-type]
    notes: list[str]


class HistoryTable(Strict):
    """A history as `History.to_dict` writes it; what is unknown is null."""

    model_config = ConfigDict(extra="forbid", title="History")
    schema_version: int
    channels: list[str]
    week_start: str
    weeks: list[Day]
    spend: list[list[float | None]]
    outcome: list[list[float | None]] | None = None
    total: list[float | None] | None = None
    daily: list[list[list[float | None]]] | None = None
    partial: list[bool]
    data_through: Day | None
    controls: dict[str, list[float | None]]
    currency_sign: str
    notes: list[str]
    words: Words


class LogTable(Strict):
    """All that a belief was learned from."""

    channels: list[str]
    reference: float
    unit: float | None
    weeks: list[Day]
    spend: list[list[float | None]]
    outcome: list[list[float | None]] | None
    total: list[float | None] | None
    through: list[Day | None]
    fingerprint: str
    beforehand: Plain
    controls: dict[str, list[float | None]] = {}


class BeliefTable(Strict):
    """A belief as `Belief.to_dict` writes it: its log and settings, from which the rest follows."""

    model_config = ConfigDict(extra="forbid", title="Belief")
    schema_: int = Field(alias="schema")
    settings: Plain
    log: LogTable
    learned: dict[str, str] | None = None


class TestWorth(Strict):
    """What one test of one channel is worth."""

    __test__ = False
    channel: str
    design: Plain
    usual: float
    changed: float
    gain: float
    information: float
    cost: float
    net: float
    error: float
    effect: float
    detectable: float
    problem: str


class LimitCostTable(Strict):
    """By how much knowing all curves would be worth more without a limit, per week."""

    limit: str
    channel: str | None
    more: float


class TestsWorth(Strict):
    """What tests of single channels are worth."""

    __test__ = False
    goal: str
    weeks: int
    worth: float
    perfect: float
    of_channel: dict[str, float]
    verdict: str
    dearest: str | None
    limits: list[LimitCostTable]
    tests: list[TestWorth]
    notes: list[str]


class Measured(Estimate):
    """A measure over the simulated years: its mean with a range, and how it is spread."""

    quantiles: dict[str, float | None]
    cvar: float | None


class World(Strict):
    """Simulated years with or without scenarios, by policy."""

    schema_: int = Field(alias="schema")
    seed: int
    runs: int
    asked: int
    weeks: int
    interrupted: bool
    channels: list[str]
    goal: str
    target: float | None
    scenarios: dict[str, Share]
    policies: dict[str, dict[str, Measured | ByChannel | float | None]]
    notes: list[str]


class Years(Strict):
    """Possible years of a plan: policies side by side, and what scenarios cost."""

    schema_: int = Field(alias="schema")
    plan: str | None
    status: str
    truth: str
    scenarios: list[Plain]
    contingencies: list[Plain]
    target: float | None
    notes: list[str]
    worlds: dict[str, World]
    differences: list[dict[str, str | float | ByChannel | None]]
    costs: list[dict[str, str | float | None]]


class BudgetPoint(Strict):
    """One budget of a frontier and its verified split; null where there is none."""

    budget: Money
    allocation: AllocationTable | None  # type: ignore[valid-type]
    problem: str
    value: Unbounded | None
    mroas: Unbounded | None


class WholeFrontier(Strict):
    """All that a frontier is: its points, and what it was made from."""

    schema_version: int
    plan: Plain
    curves: Plain | None
    last: dict[str, Money] | None
    risk: Plain | None
    draws: int
    seed: int
    points: list[BudgetPoint]
    knee: Money | None
    notes: list[str]
    words: Words


class WholeSimulation(Strict):
    """All that simulated years are: each run, week and channel, null where nothing is known."""

    schema_version: int
    channels: list[str]
    policies: list[str]
    scenarios: list[str]
    seed: int
    asked: int
    interrupted: bool
    together: int
    goal: str
    target: float | None
    budget: list[list[float]]
    happens: dict[str, list[bool]]
    records: dict[str, Plain]
    same_money: dict[str, Plain]
    funnel: Plain
    notes: list[str]
    words: Words


class AlertTable(Strict):
    """What a person should know."""

    code: str
    severity: Literal["critical", "warning", "info"]
    sentence: str
    figures: dict[str, float]
    channels: list[str]
    key: str
    words: Words


MovementTable = _table(Movement, "Movement", ("on", "amount"), on=Day, amount=Money)


class WeekAsRun(Strict):
    """A week as its run leaves it."""

    schema_version: int
    week: Day
    state: str
    revision: int
    entry: int
    head: list[int | str]
    new: bool
    changed: list[str]
    needs: list[str]
    notes: list[str]
    widened: str
    measured: list[Day]
    not_recorded: list[Day]
    alerts: list[AlertTable]
    news: list[str]
    released: list[MovementTable]  # type: ignore[valid-type]
    balances: Balances
    pace: Pace
    words: Words
    decision: Decision


NextTable = _table(NextDay, "NextDay")
VerdictTable = _table(Verdict, "Verdict")
PilotTable = _table(
    PilotVerdict, "PilotVerdict", cost=float | None, lift_test=Plain | None, notes=list[str]
)


class Error(BaseModel):
    """Why there is no answer; an infeasible plan adds the limits that clash and ways out."""

    model_config = ConfigDict(extra="allow")

    error: str
    code: str
    message: str
    field: str | None
    value: str | float | None
    remedy: str


RESULTS: dict[str, type[BaseModel]] = {
    "allocate": AllocationTable,
    "backtest": Backtest,
    "belief": BeliefTable,
    "check": Check,
    "decision": Decision,
    "entry": EntryTable,
    "error": Error,
    "experiment-next": NextTable,
    "experiment-pilot": PilotTable,
    "experiment-verdict": VerdictTable,
    "frontier": Frontier,
    "frontier-whole": WholeFrontier,
    "history": HistoryTable,
    "learn": Learned,
    "pace": Pacing,
    "ramp": Ramp,
    "reallocate": Decision,
    "simulate": Years,
    "simulation-whole": WholeSimulation,
    "tests": TestsWorth,
    "upload": Upload,
    "week-run": WeekAsRun,
    "what-if": WhatIf,
    "year": Schedule,
}
"""What a command writes as JSON, by its name, what all write where they fail, and the records that
go to JSON and back."""


def result_schema(name: str = "results") -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what a command writes as JSON.

    Parameters
    ----------
    name
        A command, ``"error"``, or ``"results"`` for all of them by name.

    Raises
    ------
    InputError
        ``unknown-name``.

    Examples
    --------
    >>> result_schema("reallocate")["properties"]["week"]["description"]
    'a date'
    """
    if name == "results":
        _, whole = models_json_schema([(one, "validation") for one in RESULTS.values()])
        refs = {each: {"$ref": f"#/$defs/{one.__name__}"} for each, one in RESULTS.items()}
        return identified(name, {"type": "object", "properties": refs, **whole})
    if name not in RESULTS:
        raise InputError(
            "unknown-name",
            say("no-schema", name=repr(name)),
            field="name",
            value=name,
            remedy=did_you_mean(name, ["plan", "results", *RESULTS]),
        )
    return identified(name, RESULTS[name].model_json_schema())


def identified(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema that says which draft it is written in, and what it is called."""
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, "$id": f"urn:budgetopt:{VERSION}:{name}", **schema}
