"""How the documentation is built: ``sphinx-build -W -j 2 docs docs/_build/html``."""

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
# Notebooks call the command as a reader does, whatever the shell that builds has on its path.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
os.environ |= {"BUDGETOPT_LANG": "en", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}

import make_reference  # noqa: E402
from docutils import nodes  # noqa: E402
from latex2mathml.converter import convert  # noqa: E402
from sphinx.search.en import SearchEnglish  # noqa: E402

from budgetopt.version import VERSION  # noqa: E402

make_reference.write()

project, author, release = "budgetopt", "the budgetopt developers", VERSION
copyright = f"{author}, MIT licence"
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]

# Plain `names` in docstrings are names of the package where there is one, and plain text else.
default_role = "py:obj"
autodoc_typehints = "none"  # the signature has them
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

myst_enable_extensions = ["colon_fence", "attrs_block"]
myst_heading_anchors = 3
nb_execution_mode = os.environ.get("BUDGETOPT_NOTEBOOKS", "force")
nb_execution_in_temp = True
nb_execution_timeout = 60
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"budgetopt {VERSION}"
html_show_sourcelink = False
html_theme_options = {"show_prev_next": False, "navigation_with_keys": False}
html_static_path = ["_static"]
html_css_files = ["docs.css"]


def _formula(translator, node):
    """Write a formula as MathML, which browsers draw without a script and without network."""
    block = isinstance(node, nodes.math_block)
    formula = convert(node.astext(), display="block" if block else "inline")
    translator.body.append(f'<div class="math-block">{formula}</div>' if block else formula)
    raise nodes.SkipNode


class Search(SearchEnglish):
    """English words, and Chinese ones: every two to four characters that follow each other."""

    def split(self, text):
        """Return the words that a page is found by."""
        runs = re.findall("[\u4e00-\u9fff]{2,}", text)
        parts = [run[i : i + n] for run in runs for n in (2, 3, 4) for i in range(len(run) - n + 1)]
        return super().split(text) + parts


def setup(app):
    """Tell Sphinx how formulas are written and how Chinese is searched."""
    app.add_search_language(Search)
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
