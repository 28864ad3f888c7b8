"""One small fit while the image is built: what it compiles and caches, no container does again."""

from data_science import BayesianLogitModel, GateError
from data_science.examples import clients

try:
    BayesianLogitModel(seed=1, engine="nuts").fit(clients(2_000))
except GateError as error:  # it has compiled as much as one that passed
    print(error)  # noqa: T201
