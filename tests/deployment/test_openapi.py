"""The service keeps what its OpenAPI document says: schemathesis asks it everything the document allows."""

import re
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest
from running_service import FEATURES, PUBLISHED
from small_models import store

from data_science.prediction.unseen import UnseenLevel
from deployment.feature_schema import feature_schema
from deployment.served_model import ServedModel


def test_the_document_shows_the_columns_of_the_loaded_model(service):
    document = service.get("/openapi.json").json()

    features = document["components"]["schemas"]["Question"]["properties"]["features"]
    assert features["required"] == ["attr_a", "attr_b", "scd_a", "scd_b"]
    assert (
        "1, 2, 3, 4, 5; others get the population effect" in features["properties"]["attr_a"]["description"]
    )
    assert document["components"]["schemas"]["Questions"]["properties"]["clients"]["maxItems"] == 100
    assert document["components"]["schemas"]["Question"]["examples"][0] == PUBLISHED


def test_every_example_in_the_document_fits_its_schema(service):
    document = service.get("/openapi.json").json()
    schemas = document["components"]["schemas"]

    with_examples = [name for name in schemas if schemas[name].get("examples")]
    assert len(with_examples) >= 4
    for name in with_examples:
        for example in schemas[name]["examples"]:
            jsonschema_rs.validate({**schemas[name], "components": document["components"]}, example)


def test_the_page_of_documentation_takes_nothing_from_the_internet(service):
    page = service.get("/docs").text

    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {asset.rpartition(".")[2] for asset in assets} == {"js", "css", "png"}
    for asset in assets:
        assert asset.startswith("/")
        assert service.get(asset).status_code == 200
    assert "//" not in "".join(assets)


def test_a_model_that_refuses_unseen_levels_lists_the_seen_ones(start, tmp_path):
    store(tmp_path / "models", unseen="refuse")
    running = start()

    schema = running.get("/openapi.json").json()["components"]["schemas"]["Client"]["properties"]["features"]
    refused = running.post("/predict", {"idx": 1, "features": {**FEATURES, "attr_b": "z"}})

    assert schema["properties"]["attr_b"]["enum"] == ["a", "b", "c", "d"]
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "features.attr_b"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "others get the population effect"),
        ({"unseen_levels": {"attr_a": UnseenLevel(0.1, 0.1)}}, "others get the population effect"),
        ({"unseen_levels": {"attr_a": UnseenLevel(0.018, 0.051)}}, "others are averaged over the posterior"),
        ({"unseen": "refuse"}, "others are refused"),
    ],
)
def test_the_document_says_what_is_predicted_and_what_an_unseen_level_gets(tmp_path, options, said):
    store(tmp_path / "models", response="choice['blue']", **options)

    schema = feature_schema(ServedModel.load(tmp_path / "models"))

    assert schema["description"].endswith("reads to predict choice['blue'].")
    assert [said in schema["properties"][column]["description"] for column in ("attr_a", "attr_b")] == [
        True
    ] * 2


@pytest.mark.parametrize("with_model", [True, False], ids=["with a model", "without a model"])
def test_schemathesis_finds_no_server_error_and_nothing_undocumented(start, tmp_path, with_model):
    if with_model:
        # Every finite number fits the schema; with ordinary slopes the largest overflow the linear predictor,
        # a documented 422 that schemathesis would take for a wrong refusal.
        store(tmp_path / "models", slope=1e-4)
    running = start(MAX_BATCH="20")
    # Without a model 503 is the documented answer, so only what every answer must keep is checked then.
    checks = [] if with_model else ["--checks", CONFORMANCE]
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{running.url}/openapi.json"]
    options = ["--max-examples", "60", "--generation-deterministic", "--no-color", *checks]

    found = subprocess.run(command + options, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert found.returncode == 0, found.stdout
    assert int(re.search(r"(\d+) generated", found.stdout)[1]) > 100
    assert "Traceback" not in running.said()
    assert running.post("/predict", PUBLISHED).status_code == (200 if with_model else 503)


CONFORMANCE = "status_code_conformance,content_type_conformance,response_schema_conformance"
