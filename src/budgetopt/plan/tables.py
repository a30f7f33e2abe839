"""The tables of a plan file: which fields, nested how, and so the JSON Schema.

Ranges are checked where the values live, in `Channel`, `Plan` and their parts, so that Python
callers get the same errors.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, WithJsonSchema

_AMOUNT = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}
Amount = Annotated[Any, WithJsonSchema({**_AMOUNT, "description": "money, or plain decimal text"})]
Share = Annotated[Any, WithJsonSchema({**_AMOUNT, "description": "a share: 0.3 or '30%'"})]
Number = Annotated[Any, WithJsonSchema({"type": "number"})]
_DAY = {"type": "string", "format": "date"}
_DAYS = {"type": "array", "items": _DAY, "minItems": 1, "maxItems": 2}
_WHEN = {"anyOf": [_DAY, _DAYS, {"type": "array", "items": _DAYS, "minItems": 1}]}
_EVENTS = {"anyOf": [{"type": "object", "additionalProperties": _WHEN},
                     {"type": "array", "items": {"anyOf": [_DAY, _DAYS]}}]}  # fmt: skip
Day = Annotated[Any, WithJsonSchema(_DAY)]
Events = Annotated[
    Any, WithJsonSchema({**_EVENTS, "description": "days or [first, last], by name or without"})
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class ChangeFile(_Model):
    """A change limit in parts; all that are given must hold."""

    share: Share = None
    money: Amount = None
    from_zero: Amount = None


class ReserveFile(_Model):
    """Money held back: an amount, or a share such as '5%'."""

    contingency: Amount = 0
    test: Amount = 0
    holdout: Amount = 0


class LinesFile(_Model):
    """A wider budget by module, which must add up."""

    total: Amount
    lines: dict[str, Amount]


class LearningFile(_Model):
    """Conversions a week that a platform needs to learn, and what one is expected to cost."""

    conversions: Amount
    cpa: Amount


class CarryoverFile(_Model):
    """How a week's effect spreads over later weeks."""

    kind: Literal["geometric", "delayed", "weibull-pdf", "weibull-cdf"]
    share: Number = None
    delay: Number = None
    shape: Number = None
    scale: Number = None
    length: Number = None


class PriorFile(_Model):
    """What is believed of a channel before its history is read."""

    roas: Number = None
    roas_sd: Number = None
    saturation: Number = None
    saturation_sd: Number = None
    noise: Number = None


class LiftTestFile(_Model):
    """The extra outcome per week that more spend on one channel brought, with its error."""

    channel: str
    incremental: Number
    error: Number
    high: Number
    low: Number = 0
    ended: Day = None


class ChannelFile(_Model):
    """One line that money can go to."""

    name: str
    floor: Amount = 0
    cap: Amount = None
    locked: Amount = None
    max_change: ChangeFile | Share = None
    curve: dict[str, Any] | None = None
    labels: dict[str, str] = {}
    off_or_at_least: Amount = None
    learning: LearningFile | None = None
    lot: Amount = None
    value: Amount = None
    rates: dict[str, Amount] = {}
    carryover: CarryoverFile | None = None
    prior: PriorFile | None = None
    pinned: StrictBool = False


class DelayFile(_Model):
    """The share of a week's outcome that is reported at each age of the week."""

    shares: list[Number]
    ages: list[Number] | None = None
    log_sds: list[Number] | None = None
    channels: dict[str, dict[str, list[Number]]] = {}


class GoalFile(_Model):
    """What is maximised: the outcome, the profit, or the target for the least spend."""

    kind: Literal["outcome", "profit", "least-spend"] = "outcome"
    target: Amount = None
    weights: dict[str, Amount] = {}


class ColumnsFile(_Model):
    """How a history file maps to weeks, channels, spend and outcome."""

    layout: Literal["long", "wide"] = "long"
    week: str = "week"
    channel: str = "channel"
    spend: str | dict[str, str] = "spend"
    outcome: str | list[str] | dict[str, str | list[str]] = "outcome"
    rows: Literal["weekly", "daily"] = "weekly"
    date_format: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] = "."
    encoding: str | None = None
    sheet: str | None = None
    missing: Literal["refuse", "zero", "unknown"] = "refuse"
    gaps: Literal["refuse", "unknown"] = "refuse"
    repeats: Literal["refuse", "sum"] = "refuse"
    ignore: list[str] = []


class PhaseFile(_Model):
    """Dated days with a budget of their own."""

    name: str
    first: Day
    last: Day
    budget: Amount
    kind: Literal["preparation", "warm-up", "burst", "steady", "wind-down"] = "steady"
    max_change: ChangeFile | Share = None


class FreezeFile(_Model):
    """Days on which channels may not move; all of them where none is named."""

    name: str
    first: Day
    last: Day
    channels: list[str] = []
    why: Literal["frozen", "learning"] = "frozen"


class ApprovalFile(_Model):
    """Amounts above which a proposal needs a name."""

    move: Amount = None
    move_share: Share = None
    channel: Amount = None
    total: Amount = None
    approvers: list[str] = []


class PacingFile(_Model):
    """Warning lines, the band around the plan, and the answer to overspending."""

    lines: list[Share] = [0.8, 0.9, 1.0]
    band: Share = 0.05
    overspend: Literal["reserve", "weakest", "stop"] = "reserve"


class ReleaseFile(_Model):
    """A share of the contingency that is released when something happens."""

    when: Literal["scenario", "pace", "mroas"]
    share: Share
    scenario: str | None = None
    pace: Share = None
    hurdle: Number = None


class FiscalFile(_Model):
    """The periods that budgets and reserves are counted over."""

    period: Literal["month", "quarter", "year", "4-4-5"] = "month"
    first_month: StrictInt = 1


class AlertsFile(_Model):
    """Lines beyond which an alert is raised."""

    stale_days: StrictInt = 10
    stuck_weeks: StrictInt = 4
    revised_share: Share = 0.02
    reserve_low: Share = 0.2
    pause_cpa: Number = None
    pause_roas: Number = None


class OperationFile(_Model):
    """How weeks are run."""

    phases: list[PhaseFile] = []
    freezes: list[FreezeFile] = []
    approval: ApprovalFile | None = None
    pacing: PacingFile = Field(default_factory=PacingFile)
    releases: list[ReleaseFile] = []
    fiscal: FiscalFile = Field(default_factory=FiscalFile)
    alerts: AlertsFile = Field(default_factory=AlertsFile)


class PlanFile(_Model):
    """A budgetopt plan: what may be spent in a week, on what, under which limits."""

    schema_version: Literal[1] = 1
    name: str = ""
    currency: str
    budget: Amount
    step: Amount = None
    spend: Literal["at-most", "all"] = "at-most"
    max_change: ChangeFile | Share = None
    reserve: ReserveFile = Field(default_factory=ReserveFile)
    outcome: str = "outcome"
    outcome_unit: Amount = None
    week_start: str = "monday"
    history: ColumnsFile = Field(default_factory=ColumnsFile)
    budget_lines: LinesFile | None = None
    goal: GoalFile = Field(default_factory=GoalFile)
    value: Amount = 1
    limits: list[dict[str, Any]] = []
    delay: DelayFile | None = None
    events: Events = {}
    demand: dict[str, Number] = {}
    lift_tests: list[LiftTestFile] = []
    scenarios: list[dict[str, Any]] = []
    contingencies: list[dict[str, Any]] = []
    operation: OperationFile | None = None
    channels: list[ChannelFile]
