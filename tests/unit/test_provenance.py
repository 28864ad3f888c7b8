"""The sentence about the origin of the data is true of every mix of origins, and never fails."""

from itertools import product

import pytest

from data_science.data.provenance import NOT_STATED, SOURCES, Provenance

FILE = f"the company's file, sha256 {'0123456789abcdef' * 4}"
DAILY = f"{FILE} (31 files, one after another)"
MADE = "generated, seed 1"
MADE_LABELS = "generated, seed 1, scenario no-signal"
SIGNAL = "generated, seed 1, scenario signal"
TABLES = ("customer_profiles", "customer_activity", "labels")


def stated(profiles=None, activity=None, labels=None):
    """What `feature_store` says if its sources say this."""
    origins = zip(TABLES, (profiles, activity, labels), strict=True)
    return Provenance.parse("\n".join(f"{table}: {text}" for table, text in origins if text))


ORIGINS = {
    "F": FILE,
    "D": DAILY,
    "M": MADE,
    "2": "generated, seed 2",
    "L": MADE_LABELS,
    "S": SIGNAL,
    "-": None,
}
SENTENCES = {  # by the letters of profiles, activity and labels
    "FMF": "150,000 clients and labels from the company's files; activity generated",
    "MML": "150,000 clients, all generated (scenario no-signal, seed 1)",
    "FDF": "150,000 clients, labels and activity from the company's files",
    "FML": "150,000 clients from the company's files; labels and activity generated",
    "FMS": "150,000 clients from the company's files; activity generated; "
    "labels generated (scenario signal, seed 1)",
    "FFS": "150,000 clients and activity from the company's files; "
    "labels generated (scenario signal, seed 1)",
    "MMS": "150,000 clients, all generated (scenario signal, seed 1)",
    "MMF": "labels of 150,000 clients from the company's files; profiles and activity generated for them",
    "MFF": "labels and activity of 150,000 clients from the company's files; profiles generated for them",
    "MFS": "activity of 150,000 clients from the company's files; profiles generated for them; "
    "labels generated for them (scenario signal, seed 1)",
    "M-L": "150,000 clients and labels generated; where activity comes from is not stated in the database",
    "M2M": "150,000 clients, all generated (seeds 1 and 2)",
    "F-F": "150,000 clients and labels from the company's files; "
    "where activity comes from is not stated in the database",
    "-M-": "activity generated; where 150,000 clients and labels come from is not stated in the database",
}


@pytest.mark.parametrize(("letters", "sentence"), SENTENCES.items())
def test_the_sentence_names_files_and_what_is_generated(letters, sentence):
    assert stated(*map(ORIGINS.get, letters)).sentence(150_000) == sentence


@pytest.mark.parametrize("source", [stated(), Provenance.parse(None), Provenance(), Provenance({})])
def test_where_nothing_is_stated_the_sentence_says_so(source):
    assert source.sentence(150_000) == "where the data come from is not stated in the database"


NOUNS = {
    "customer_profiles": ("1,234 clients", "profiles"),
    "customer_activity": ("activity",),
    "labels": ("labels",),
}


def read_as(sentence):
    """What a reader takes the sentence to say of each table: "file", "generated" or "not stated"."""
    if sentence == "where the data come from is not stated in the database":
        return dict.fromkeys(NOUNS, "not stated")
    if sentence.startswith("1,234 clients, all generated ("):
        return dict.fromkeys(NOUNS, "generated")
    endings = {
        " from the company's files": "file",
        " generated": "generated",
        " generated for them": "generated",
        " (scenario signal, seed 1)": "generated",
        " from is not stated in the database": "not stated",
    }
    found = {}
    for clause in sentence.replace(" of 1,234 clients", "").split("; "):
        (kind,) = (kind for ending, kind in endings.items() if clause.endswith(ending))
        named = {table: kind for table, nouns in NOUNS.items() if any(noun in clause for noun in nouns)}
        assert named
        assert not named.keys() & found.keys()
        found |= named
    return found


@pytest.mark.parametrize("origins", list(product((FILE, DAILY, MADE, MADE_LABELS, SIGNAL, None), repeat=3)))
def test_in_every_mix_each_table_is_named_once_under_its_own_origin(origins):
    kinds = {
        FILE: "file",
        DAILY: "file",
        MADE: "generated",
        MADE_LABELS: "generated",
        SIGNAL: "generated",
        None: "not stated",
    }

    sentence = stated(*origins).sentence(1_234)

    assert read_as(sentence) == {table: kinds[text] for table, text in zip(TABLES, origins, strict=True)}


@pytest.mark.parametrize(
    "comment",
    [
        "Client features, nightly",
        "customer_profiles: bought from a broker",
        "customer_profiles: the company's file, sha256 short",
        f"customer_profiles: {FILE}, edited",
        "customer_profiles: generated, seed x",
        "customer_profiles:",
        ": : :\n\n:",
        "labels_old: generated, seed 1",
        "",
        "\0",
    ],
)
def test_another_wording_counts_as_not_stated(comment):
    source = Provenance.parse(comment)

    assert set(source.tables) == set(SOURCES)
    assert set(source.tables.values()) == {NOT_STATED}


def test_what_is_stated_is_kept_word_for_word():
    assert stated(DAILY, MADE, None).tables == {
        "customer_profiles": DAILY,
        "customer_activity": MADE,
        "labels": NOT_STATED,
    }
