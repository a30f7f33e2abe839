"""Pages run, and what was built holds every public name; ``.ci/run`` runs these after the build.

``pytest docs`` needs what the tests need, and a build in ``docs/_build/html``.
"""

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("pages", Path(__file__).parent / "pages.py")
pages = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(pages)


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.DOCS)))
def test_what_a_page_shows_is_what_comes_out(page):
    text = page.read_text("utf-8")
    with pages.room() as folder:
        assert pages.run(text, folder, str(page)) == text
