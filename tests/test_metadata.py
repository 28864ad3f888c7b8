"""What setup.py says of the package is true, and claims no licence that nobody has given."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETUPS = ["setup.py", "mle/setup.py"]


def metadata(path):
    """The literal arguments of setup()."""
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    (setup,) = [call for call in calls if getattr(call.func, "id", None) == "setup"]
    found = {}
    for keyword in setup.keywords:
        try:
            found[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:
            found[keyword.arg] = None
    return found


@pytest.mark.parametrize("path", SETUPS)
def test_no_licence_is_claimed_while_none_is_given(path):
    given = list(ROOT.glob("LICEN[CS]E*"))
    claimed = {name for name in metadata(path) if name.startswith("license")}
    claimed |= {name for name in metadata(path)["classifiers"] if name.startswith("License ::")}

    assert given or not claimed


@pytest.mark.parametrize("path", SETUPS)
def test_what_has_no_licence_cannot_be_uploaded_by_accident(path):
    assert "Private :: Do Not Upload" in metadata(path)["classifiers"]


@pytest.mark.parametrize("path", SETUPS)
def test_the_description_praises_nothing(path):
    words = metadata(path)["description"].lower()

    assert not [word for word in ("honest", "fast", "powerful", "robust", "best") if word in words]


def test_the_oldest_python_that_is_allowed_is_named():
    given = metadata("setup.py")
    oldest = given["python_requires"].removeprefix(">=")

    named = [name.rpartition(" ")[2] for name in given["classifiers"] if "Python :: 3." in name]
    assert oldest == named[0]
