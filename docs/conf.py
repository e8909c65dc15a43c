"""How the documentation is built: offline, with every command and every cell of it run as it is read."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent)]
os.environ.update(COLUMNS="96", MPLBACKEND="agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import doseopt  # noqa: E402  # of this folder

project = "doseopt"
author = "The doseopt authors"
project_copyright = f"{author}, Apache-2.0"
version = release = doseopt.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "numpydoc",
    "running",
    "generating",
]
exclude_patterns = ["extensions"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autodoc_typehints = "none"  # the parameters of the docstring say them
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
add_module_names = False
suppress_warnings = ["misc.highlighting_failure"]  # of CSV, which Pygments does not know

html_theme = "pydata_sphinx_theme"
html_title = f"doseopt {release}"
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    # not beside what commands print, which is 96 letters wide
    "secondary_sidebar_items": {
        page: ["page-toc"]
        for page in ("explanation/*", "generated/*", "formats", "agents", "app", "protocols", "grammar")
    },
    "pygments_light_style": "a11y-high-contrast-light",
}
html_sidebars = {
    "index": [],
    "generated/keys": [],
    "install": [],
    "agents": [],
    "unsupported": [],
    "interim": [],
    "changes": [],
}
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["doseopt.css"]
templates_path = []
