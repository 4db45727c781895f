"""The site: python -m sphinx -W --keep-going -b html docs docs/_build"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from derive import __version__  # noqa: E402

project = "shadowflow"
author = "the authors of shadowflow"
copyright = author
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "shadowdocs"]
myst_enable_extensions = ["deflist", "dollarmath", "colon_fence", "attrs_block"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext", "files", "pictures"]
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
maximum_signature_line_length = 76
smartquotes = False
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "shadowflow"
html_math_renderer = "svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c8a", "color-brand-content": "#0b5c8a"},
    "dark_css_variables": {"color-brand-primary": "#7cc0e8", "color-brand-content": "#7cc0e8"},
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
