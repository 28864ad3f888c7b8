"""scikit-learn's interface: a classifier and an encoder, for its pipelines, searches and plots.

Needs the extra ``sklearn``. Nothing else in the package imports this, so serving never loads scikit-learn.
"""

from data_science.errors import installing

try:
    import sklearn  # noqa: F401  (only to say what is missing)
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"data_science.sklearn needs scikit-learn, which is not installed: {installing('sklearn')}",
        name=error.name,
    ) from error

from data_science.sklearn.classifier import BayesianLogitClassifier
from data_science.sklearn.encoder import GLMMEncoder

__all__ = ["BayesianLogitClassifier", "GLMMEncoder"]
