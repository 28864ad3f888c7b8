"""What is computed or found in the cache says nothing in a chapter, and a fit has the usual seed."""

from inspect import signature

from book import reuse
from data_science.settings import Settings


def doubled(value):
    return 2 * value


def test_computing_and_finding_again_print_nothing(tmp_path, capfd):
    for _ in range(2):
        assert reuse.remembered(tmp_path, doubled, "data", value=4) == 8

    assert capfd.readouterr() == ("", "")


def test_the_seed_of_a_fit_is_that_of_the_settings_unless_another_is_given():
    assert signature(reuse.fitted_version).parameters["seed"].default == Settings().seed
