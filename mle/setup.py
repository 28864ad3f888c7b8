"""Package metadata of the machine-learning engineers' reference package."""

from pathlib import Path
from runpy import run_path

from setuptools import find_packages, setup

# From the neighbour's folder: this reference version is released with the repository it is in, under one
# number. A team that takes the folder elsewhere gives it a version of its own.
VERSION = run_path(str(Path(__file__).parents[1] / "data_science" / "_version.py"))["__version__"]

setup(
    name="machine_learning_engineering",
    version=VERSION,
    description="MLEModel, a durable prediction log, retraining by effect, and a contract suite for models",
    classifiers=["Private :: Do Not Upload", "Typing :: Typed"],  # no licence is claimed: none is given yet
    python_requires=">=3.12",
    # The default, said: an editable install is then one path, not an import hook in every start.
    package_dir={"": "."},
    packages=find_packages(include=["machine_learning_engineering*"]),
    package_data={"machine_learning_engineering": ["py.typed"]},
    install_requires=["numpy>=2.3", "pandas>=3"],
    extras_require={"contract": ["pytest>=9"]},
)
