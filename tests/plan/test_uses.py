"""Which fields each command uses: every field is decided on, and what is unused is named."""

import pytest

from budgetopt.curves import Log
from budgetopt.history import Delay
from budgetopt.plan import Channel, Plan, unused
from budgetopt.plan.fields import BESIDE, COMMANDS, LEARNED, MATTERS, OWN, USED, all_fields

DECLARED = {
    "channels.curve": {"channels": [Channel("a", curve=Log(1, 2))]},
    "channels.pinned": {"channels": [Channel("a", curve=Log(1, 2), pinned=True)]},
    "channels.prior": {"channels": [Channel("a", prior={"roas": 3})]},
    "channels.carryover": {
        "channels": [Channel("a", carryover={"kind": "geometric", "share": 0.4})]
    },
    "lift_tests": {
        "lift_tests": [{"channel": "a", "incremental": 5, "error": 1, "high": 9, "low": 1}]
    },
    "delay": {"delay": Delay((0.5, 1.0))},
    "demand": {"demand": {"2026-11-09": 1.6}},
    "events": {"events": {"11.11": "2026-11-11"}},
    "operation.phases": {
        "operation": {
            "phases": [{"name": "p", "first": "2026-11-02", "last": "2026-11-08", "budget": 9}]
        }
    },
    "operation.freezes": {
        "operation": {"freezes": [{"name": "f", "first": "2026-11-02", "last": "2026-11-08"}]}
    },
    "operation.releases": {
        "operation": {"releases": [{"when": "scenario", "scenario": "rival", "share": "50%"}]}
    },
}


def plan(**changes):
    return Plan(**{"budget": 100, "currency": "CNY", "channels": [Channel("a")]} | changes)


def test_every_field_of_a_plan_belongs_to_one_matter():
    known = [field for fields in MATTERS.values() for field in fields.split()]
    assert sorted(known) == sorted(all_fields())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_decides_on_every_matter(command):
    decided = COMMANDS[command]
    assert set(decided) == set(MATTERS)
    for status in decided.values():
        # What is none of these is the reason that is shown, in both languages.
        assert status in (USED, BESIDE, LEARNED, OWN) or hasattr(status, "code")


@pytest.mark.parametrize("field", DECLARED)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_cannot_use_is_named_where_it_is_declared(command, field):
    matter = next(name for name, fields in MATTERS.items() if field in fields.split())
    reason = COMMANDS[command][matter]
    assert unused(plan(), command) == ()
    named = [
        name for note in unused(plan(**DECLARED[field]), command) for name in note.values["fields"]
    ]
    if hasattr(reason, "template"):
        assert named == [field]
    elif reason in (USED, BESIDE, OWN):
        assert named == []
