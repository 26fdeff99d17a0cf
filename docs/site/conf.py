"""Sphinx settings of the static site; ``python -m jgm_course.site`` prepares its source and builds it."""

import os
import re

project = "JGM colorization"
author = copyright = "The JGM workspace authors"
extensions = ["myst_nb", "sphinx_design", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
html_theme, html_title = "sphinx_book_theme", "Score-based colorization"
exclude_patterns = ["_build"]

# the lessons are shown as they were executed and committed
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # a site without network: a widget is shown as the picture beside it
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["mystnb.unknown_mime_type"]

# MathJax as Jupyter packs it, so that equations need no network
html_static_path = ["_static"]
mathjax_path = "mathjax/MathJax.js?config=TeX-AMS_CHTML-full,Safe"
mathjax2_config = {"tex2jax": {"inlineMath": [["\\(", "\\)"]], "displayMath": [["\\[", "\\]"]]}}

# one address for "open in Colab", "launch Binder" and the sources; none, no buttons
repository = os.environ.get("JGM_REPOSITORY", "")
html_theme_options = {"show_toc_level": 2, "use_download_button": True}
if repository:
    html_theme_options |= {
        "repository_url": repository,
        "use_repository_button": True,
        "path_to_docs": "",
        "launch_buttons": {
            "colab_url": "https://colab.research.google.com",
            "binderhub_url": "https://mybinder.org",
        },
    }

autodoc_member_order = "bysource"
autodoc_typehints = "none"
CODE = re.compile(r"``.+?``")


def plain(app, what, name, obj, options, lines):
    """Docstrings are plain text with ``code``: everything else that reStructuredText would read as
    a sign of its own is escaped, and what is indented stays as it is."""
    out = []
    for line in lines:
        parts = CODE.split(line)
        codes = CODE.findall(line) + [""]
        text = "".join(re.sub(r"([\\*_|`])", r"\\\1", p) + c for p, c in zip(parts, codes, strict=True))
        out.append(f"| {text}" if line.strip() else "")
    lines[:] = [*out, ""]


def setup(app):
    app.connect("autodoc-process-docstring", plain)
