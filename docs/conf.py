"""Sphinx: the API reference and the pages around it (`make docs`); nothing is fetched to build or read it."""

import data_science

project = "data_science"
author = "Data science"
release = version = data_science.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["amsmath", "dollarmath"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True  # a default reads as in the code
napoleon_google_docstring = False
napoleon_use_rtype = False  # what is returned is documented in one place

html_theme = "sphinx_book_theme"
html_title = f"data_science {release}"
html_extra_path = ["../book/_assets"]  # MathJax, as the book has it
mathjax_path = "../vendor/mathjax-tex-svg.js"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "navbar_persistent": [],
}
