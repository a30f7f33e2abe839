"""Scenarios: what happens to a market, when, where and how likely, as frozen data.

- `base`: what every scenario is, and its effect in a week;
- `kinds`: one class a kind; a new kind is one class here and one line in `files.KINDS`;
- `files`: scenarios by name and from plan files.

Several at once multiply their factors. Whether one strikes a run is drawn with the weather, so all
policies meet the same. The menu is that of the room, `budgetopt.market`.
"""
