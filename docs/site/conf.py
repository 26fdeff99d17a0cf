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
html_static_path, html_css_files = ["_static"], ["site.css"]
mathjax_path = "mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe"
mathjax2_config = {
    "messageStyle": "none",
    "HTML-CSS": {
        "availableFonts": [],
        "preferredFont": None,
        "imageFont": None,
        "webFont": "STIX-Web",
    },
    "tex2jax": {  # only what MyST has marked as an equation
        "inlineMath": [["\\(", "\\)"]],
        "displayMath": [["\\[", "\\]"]],
        "processClass": "tex2jax_process|mathjax_process|math|output_area",
        "ignoreClass": "tex2jax_ignore|mathjax_ignore|document",
    },
}

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
autodoc_preserve_defaults = True  # as it is written, not a path of this machine
CODE = re.compile(r"``.+?``")


def escaped(line):
    """A line in which only ``code`` is a sign of reStructuredText."""
    parts, codes = CODE.split(line), [*CODE.findall(line), ""]
    pairs = zip(parts, codes, strict=True)
    return "".join(
        re.sub(r"([\\*_|`])", r"\\\1", part) + (code and code + "\\ ") for part, code in pairs
    )


def plain(app, what, name, obj, options, lines):
    """Docstrings are plain text with ``code``: their paragraphs flow, and those with an indented line
    stand as they are."""
    out = []
    for part in "\n".join(lines).strip().split("\n\n"):
        own = part.splitlines()
        if any(line.startswith(" ") for line in own):
            out += ["::", "", *("   " + line for line in own), ""]
        else:
            out += [*map(escaped, own), ""]
    lines[:] = out


def setup(app):
    app.connect("autodoc-process-docstring", plain)
