"""Sphinx: the site of tutorial, how-tos and reference (`make docs`); built and read without the internet."""

import data_science

project = "data_science"
author = "Data science"
release = version = data_science.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
]
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
html_static_path = ["../book/_static", "_static"]
html_css_files = ["book.css", "site.css"]
html_favicon = "../book/_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_use_index = False
mathjax_path = "../vendor/mathjax-tex-svg.js"
copybutton_prompt_text = r">>> |\.\.\. "  # what is shown before what is typed is not copied
copybutton_prompt_is_regexp = True
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "navbar_persistent": [],
    "home_page_in_toc": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
