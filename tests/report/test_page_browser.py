"""Pages in headless Chromium: nothing overflows, asks the network or complains; keys are enough.

Skipped where there is no Chromium with its driver. Where `BUDGETOPT_AXE` names a file of axe-core,
every page is held against its rules as well.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import budgetopt as bo
from budgetopt import report

from .test_page_decision import HOSTILE

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
DRIVER = shutil.which("chromedriver") or ""
AXE = os.environ.get("BUDGETOPT_AXE", "")
WIDTHS = (360, 768, 1280)
PAGES = (
    *("memo", "month", "quarter", "decision", "split"),
    *("frontier", "what-if", "belief", "years", "weeks"),
)
ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    # What a browser asks of its maker by itself is no request of a page's.
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-quic"),
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and its driver"),
]
OVERFLOW = """
const most = document.documentElement.clientWidth + 1;
const wide = [...document.querySelectorAll("body *")].filter(
  one => !one.closest(".scroll, svg, .unseen, [hidden]") && one.getClientRects().length &&
    (one.getBoundingClientRect().right > most || one.getBoundingClientRect().left < -1));
const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
return [over, wide.map(one => one.outerHTML.slice(0, 99))];
"""
LABELS = """
const outside = [];
for (const plot of document.querySelectorAll(".plot")) {
  const box = plot.querySelector(".ticks").getBoundingClientRect();
  for (const tick of plot.querySelectorAll(".ticks span")) {
    if (tick.getBoundingClientRect().left < box.left - 1) outside.push(tick.textContent);
  }
  const labels = [...plot.querySelectorAll(".labels span")].map(one => one.getBoundingClientRect());
  labels.forEach((one, at) => at && one.left < labels[at - 1].right && outside.push("overlap"));
}
return outside;
"""


BROKEN = """
return [...document.querySelectorAll("td, tfoot th")].filter(one => {
  const range = document.createRange();
  range.selectNodeContents(one);
  const lines = new Set([...range.getClientRects()].map(line => Math.round(line.top)));
  return lines.size > 1 && /^[-+,.\\d%]+$/.test(one.textContent.trim());
}).map(one => one.textContent);
"""
CUT = """
const most = document.documentElement.clientWidth + 1;
return [...document.querySelectorAll("th, td")].filter(
  one => one.getClientRects().length && one.getBoundingClientRect().right > most
).map(one => one.textContent);
"""
A4 = 688
"""Pixels between the margins of an A4 page."""


@pytest.fixture(scope="module")
def made():
    """The answers that pages are made of: many channels, hostile names, and budgets to slide on."""
    names = [*HOSTILE, *(f"channel {number}" for number in range(24))]
    rng = np.random.default_rng(1)
    spend = np.round(rng.uniform(5000, 15000, (8, len(names))), 2)
    past = bo.History(tuple(names), np.datetime64("2025-01-06") + 7 * np.arange(8), spend,
                      outcome=2 * spend)  # fmt: skip
    wide = bo.Plan(budget="312345.67", currency="CNY", channels=[bo.Channel(n) for n in names])
    curved = [bo.Channel(n, curve=bo.Hill(500, 40, 1), cap=90) for n in HOSTILE]
    plan = bo.Plan(budget=200, currency="CNY", outcome="revenue", channels=curved)
    market = bo.Market.of_plan(plan, noise=bo.market.noise_of(plan, (0.2,) * len(HOSTILE)))
    world = bo.simulate(plan, market, [bo.EqualSplit(), bo.PosteriorMean()], weeks=4, runs=8)
    return {
        "decision": bo.reallocate(wide, past),
        "split": bo.allocate(plan),
        "frontier": bo.frontier(plan, budgets=[1234567.89 + n for n in range(15)]),
        "plan": plan,
        "belief": bo.learn(past, wide, settings=bo.Settings.fast()),
        "years": report.Years(plan, "the plan's curves", world),
        "what-if": bo.what_if(
            plan,
            None,
            {
                "<b>less</b>": bo.Change(budget="-20%"),
                **{f"{n}% less": bo.Change(budget=f"-{n}%") for n in range(1, 15)},
            },
        ),
        "weeks": bo.plan_weeks(plan, weeks=16, start="2026-12-07"),
    }


@pytest.fixture(scope="module")
def files(made, lived, tmp_path_factory):
    folder, found = tmp_path_factory.mktemp("pages"), {}
    declared, book, _ = lived
    for name in PAGES:
        for language in ("en", "zh"):
            out = found[name, language] = folder / f"{name}-{language}.html"
            more = {} if name in made else {"ledger": book}
            more |= {"plan": made["plan"]} if name == "weeks" else {}
            more |= {"month": {"month": "2026-04"}, "quarter": {"quarter": "2026-Q1"}}.get(name, {})
            bo.report(made.get(name, declared), **more, out=out, language=language)
    return found


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def opened(browser, file, width=1280):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(Path(file).as_uri())
    return browser


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_overflows_complains_or_asks_the_network(browser, files, name, language):
    browser.get_log("performance")
    for width in WIDTHS:
        opened(browser, files[name, language], width)
        assert browser.execute_script(OVERFLOW) == [0, []]
        assert browser.execute_script(LABELS) == []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        opened(browser, files[name, language], A4)
        assert browser.execute_script(OVERFLOW) == [0, []]
        assert browser.execute_script(BROKEN) == []
        assert browser.execute_script(CUT) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert files[name, language].stat().st_size < 1_200_000
    assert browser.get_log("browser") == []
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked)


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def test_the_slider_goes_along_the_budgets_by_keyboard(browser, files, made):
    from selenium.webdriver.common.keys import Keys

    opened(browser, files["frontier", "en"])
    browser.execute_script("document.querySelector('input[type=range]').focus()")
    output = browser.find_element("css selector", "output")
    heads = browser.find_elements("css selector", ".splits thead th")
    points = made["frontier"].points
    for key, at in ((Keys.HOME, 0), (Keys.ARROW_RIGHT, 1), (Keys.END, len(points) - 1)):
        press(browser, key)
        money = f"{points[at].budget:,.2f}".removesuffix(".00")
        assert output.text.startswith(f"budget {money} ")
        assert [head.text for head in heads if head.is_displayed()][1:] == [money]
        chosen = browser.find_elements("css selector", "tr.chosen")
        assert [row.text.split()[0] for row in chosen] == [money]


def test_a_table_is_sorted_by_keyboard(browser, files, made):
    from selenium.webdriver.common.keys import Keys

    opened(browser, files["decision", "en"])
    heads = browser.find_elements("css selector", "table.sortable thead th")
    head = next(one for one in heads if one.text == "next")
    table = head.find_element("xpath", "./ancestor::table")
    at = [one.text for one in table.find_elements("css selector", "thead th")].index("next")
    browser.execute_script("arguments[0].querySelector('button').focus()", head)
    spends = sorted(map(float, made["decision"].allocation.spend.values()))
    for key, order in ((Keys.ENTER, spends[::-1]), (Keys.SPACE, spends)):
        press(browser, key)
        rows = table.find_elements("css selector", "tbody tr")
        cells = [row.find_elements("css selector", "th, td")[at].text for row in rows]
        assert [float(cell.replace(",", "")) for cell in cells] == order
        assert head.get_attribute("aria-sort") in ("ascending", "descending")
    total = table.find_element("css selector", "tfoot th").text
    assert total == "total"


def test_every_control_is_reached_by_tab(browser, files):
    from selenium.webdriver.common.keys import Keys

    opened(browser, files["frontier", "en"])
    wanted = browser.execute_script(
        "return [...document.querySelectorAll('a[href], button, input, summary, .scroll')]"
        ".filter(one => one.getClientRects().length).length"
    )
    reached = set()
    for _ in range(wanted + 2):
        press(browser, Keys.TAB)
        reached.add(browser.execute_script("return document.activeElement.outerHTML.slice(0, 200)"
                                           " + document.activeElement.textContent"))  # fmt: skip
    assert len(reached) >= wanted - 2


def test_without_scripts_all_is_there(browser, files, made):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(browser, files["frontier", "en"])
        heads = browser.find_elements("css selector", ".splits thead th")
        shown = [head.text for head in heads if head.is_displayed() and head.text != "channel"]
        assert shown == [f"{point.budget:,.2f}" for point in made["frontier"].points]
        assert not browser.find_element("css selector", ".control").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.skipif(not AXE, reason="BUDGETOPT_AXE names no file of axe-core")
def test_no_rule_of_accessibility_is_broken(browser, files, name, language, theme):
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    opened(browser, files[name, language])
    browser.execute_script(Path(AXE).read_text("utf-8"))
    found = browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    broken = [(rule["id"], [node["html"][:120] for node in rule["nodes"]][:3])
              for rule in found["violations"]]  # fmt: skip
    assert broken == []
