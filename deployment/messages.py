"""Bodies of requests and responses, as read and as OpenAPI shows them; changes with the HTTP contract."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from deployment.body import Body

PUBLISHED: dict[str, JsonValue] = {
    "idx": 150000,
    "features": {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3},
}

SAFE = 2**53 - 1  # integers that every JSON reader keeps exact (RFC 8259, section 6)

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


def _whole(value: object) -> object:
    """Read 3.0 as the JSON integer that it is; everything else is left to pydantic."""
    return int(value) if type(value) is float and value.is_integer() else value


class Request(BaseModel):
    """A body in which nothing is converted and nothing is ignored: a misspelt option is an error."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Client(Request):
    """One client to predict for."""

    idx: Annotated[int, BeforeValidator(_whole)] = Field(
        ge=-SAFE, le=SAFE, description="The client; stored with the prediction."
    )
    # Values are read by the model, which knows its columns and says what is wrong with them.
    features: dict[str, Any] = Field(
        description="By column. Columns that the model does not use are stored; in them NaN and infinities, "
        "which JSON does not have, become null or text."
    )


class Question(Body, Client):
    """One client, and what to return besides the label."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [PUBLISHED, {**PUBLISHED, "probability": True, "interval": 0.95}]}
    )

    probability: bool = Field(default=False, description="Also return P(label = 1).")
    interval: float | None = Field(
        default=None, gt=0.0, lt=1.0, description="Also return the credible interval of this probability."
    )

    @property
    def n_members(self) -> int:
        """Members of all its objects that were read."""
        return len(self.model_fields_set) + len(self.features)


class Questions(Body, Request):
    """Many clients, and what to return for each besides the label."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"clients": [PUBLISHED, {**PUBLISHED, "idx": 150001}]}]}
    )

    clients: list[Client] = Field(min_length=1, description="All are answered, in this order, or none.")
    probability: bool = Field(default=False, description="Also return P(label = 1).")
    interval: float | None = Field(
        default=None, gt=0.0, lt=1.0, description="Also return credible intervals of this probability."
    )

    @property
    def n_members(self) -> int:
        """Members of all its objects that were read."""
        return len(self.model_fields_set) + sum(2 + len(client.features) for client in self.clients)


class Interval(BaseModel):
    """Central credible interval of P(label = 1); a narrow one of a skewed posterior may not hold its mean."""

    prob: Probability = Field(description="Posterior probability inside the interval.")
    lower: Probability
    upper: Probability


_PROBABILITY = (
    "Only if asked for: at the posterior means or, where the model card says so, averaged over an unseen "
    "level. Where it says that labels follow the corrected probability, which lies on the same side of one "
    "half, a label beside another threshold may not follow this."
)


class Answer(BaseModel):
    """The label, and what was asked for besides."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"label": 0}]})

    label: int = Field(ge=0, le=1)
    probability: Probability | None = Field(default=None, description=_PROBABILITY)
    interval: Interval | None = Field(default=None, description="Only if asked for.")


class ClientAnswer(Answer):
    """The answer for one client of a batch."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"idx": 150000, "label": 0}]})

    idx: int


class Answers(BaseModel):
    """One answer for each client, in the order of the request, all by the same version of the model."""

    model_version: str
    predictions: list[ClientAnswer]


class FieldProblem(BaseModel):
    """What is wrong with one field of the request."""

    field: str = Field(description="Path in the body, such as features.scd_a or clients.3.idx.")
    detail: str


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "1 field is invalid",
                    "errors": [
                        {
                            "field": "features.scd_a",
                            "detail": "scd_a is 'high' (str); expected a finite number",
                        }
                    ],
                }
            ]
        }
    )

    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list, description="For 422: each invalid field.")


class Live(BaseModel):
    """The process answers."""

    live: bool = True


class Ready(BaseModel):
    """Whether predictions can be made and stored."""

    ready: bool
    model_version: str | None = Field(description="Version now being served.")
    problems: list[str] = Field(
        description="In plain words, what an operator should look at; also when ready."
    )


class Health(Ready):
    """Both."""

    live: bool = True
