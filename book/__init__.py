"""The book: MyST chapters, and `build.py`, which makes a site and a PDF of them."""
