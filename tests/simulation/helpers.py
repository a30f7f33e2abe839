"""Small plans and markets that the tests of the simulator share."""

from budgetopt.market import Market, Noise, Prior
from budgetopt.plan import Channel, Plan

NAMES = ("a", "b", "c", "d")


def plan(**changes):
    given = {
        "budget": 4000,
        "currency": "CNY",
        "channels": [
            Channel("a", floor=200),
            Channel("b", cap=1500),
            Channel("c", locked=800),
            Channel("d", max_change="none"),
        ],
    }
    return Plan(**(given | changes))


def market(**changes):
    given = {"channels": NAMES, "curves": Prior(4, 1000.0), "noise": Noise.both(0.2)}
    return Market(**(given | changes))


START = dict.fromkeys(NAMES, 1000) | {"c": 800}
