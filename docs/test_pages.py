"""Pages run, and what was built holds every public name; ``.ci/run`` runs these after the build.

``pytest docs`` needs what the tests need, and a build in ``docs/_build/html``.
"""

import importlib.util
import re
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

import budgetopt as bo

_SPEC = importlib.util.spec_from_file_location("pages", Path(__file__).parent / "pages.py")
pages = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(pages)


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.DOCS)))
def test_what_a_page_shows_is_what_comes_out(page):
    text = page.read_text("utf-8")
    with pages.room() as folder:
        assert pages.run(text, folder, str(page)) == text


BUILT = pages.DOCS / "_build" / "html"


def test_every_public_name_can_be_found_in_what_was_built():
    inventory = InventoryFile.loads((BUILT / "objects.inv").read_bytes(), uri="")
    found = {item for kind in inventory.data.values() for item in kind}
    assert {f"budgetopt.{name}" for name in bo.__all__} <= found


def test_nothing_that_was_built_is_loaded_from_the_network():
    loads = re.compile(r'<(?:script|img|iframe)[^>]* src="https?:|<link[^>]* href="https?:')
    assert len(list(BUILT.rglob("*.html"))) > 40
    for page in BUILT.rglob("*.html"):
        assert not loads.findall(page.read_text("utf-8")), page
