"""Our model keeps every promise that the MLE team's contract suite tests."""

from machine_learning_engineering.contract import MLEModelContract

from data_science import BayesianLogitModel


class TestBayesianLogitModel(MLEModelContract):
    def make_model(self):
        return BayesianLogitModel(engine="nested-laplace")
