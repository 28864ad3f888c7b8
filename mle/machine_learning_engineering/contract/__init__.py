"""A pytest suite that any subclass of MLEModel can be put through; see `suite` for what it asks.

In a test module of your own::

    class TestOurModel(MLEModelContract):
        def make_model(self):
            return OurModel()

or from a shell: ``python -m machine_learning_engineering.contract our_package.model:OurModel``.
"""

import pytest

# Before the suite is imported, so that a broken promise shows the values it was broken with.
pytest.register_assert_rewrite("machine_learning_engineering.contract.suite")

from machine_learning_engineering.contract.suite import MLEModelContract  # noqa: E402

__all__ = ["MLEModelContract"]
