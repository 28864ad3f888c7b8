"""A file of the company is read as it is meant, or refused with file and line, what came, what was expected."""

import csv
import gzip
import hashlib
import io
import zlib
from datetime import date

import pytest

from de import csv_files, csv_finding
from de.csv_checking import checked
from de.errors import LoadError
from de.source_tables import COLUMNS

LABELS = b"idx,label\n0,1\n1,0\n2,0\n"


def table(tmp_path, name, data, ending=".csv"):
    path = tmp_path / f"{name}{ending}"
    path.write_bytes(data)
    return checked(name, [path])


@pytest.mark.parametrize(
    "data",
    [
        LABELS,
        LABELS.rstrip(b"\n"),
        LABELS + b"\n\n",
        LABELS.replace(b"\n", b"\r\n"),
        LABELS.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + LABELS,
        b'\xef\xbb\xbf"idx","label"\r\n"0","1"\r\n"1","0"\r\n"2","0"\r\n',
        b"label,idx\n1,0\n0,1\n0,2\n",
        b"idx,label\n+0,1\n01,0\n2,0\n",
    ],
    ids=[
        "LF",
        "no end",
        "empty lines at the end",
        "CRLF",
        "CR",
        "BOM",
        "BOM, quotes",
        "other order",
        "signs",
    ],
)
def test_the_same_rows_are_read_however_they_are_written(tmp_path, data):
    plain, packed = table(tmp_path, "labels", data), table(tmp_path, "labels", gzip.compress(data), ".csv.gz")

    assert plain.rows == packed.rows == [(0, 1), (1, 0), (2, 0)]
    assert plain.digest == hashlib.sha256(data).hexdigest()
    given = (tmp_path / "labels.csv.gz").read_bytes()
    assert packed.origin == f"the company's file, sha256 {hashlib.sha256(given).hexdigest()}"


def test_every_kind_of_cell_is_read(tmp_path):
    activity = b"idx,valid_from,valid_to,scd_a,scd_b\n-7,2020-01-31,,1e-3,5\n-7,2019-01-01,2020-01-31,.5,1\n"
    stores = 'idx,location\n1,"New York, ""NY"""\n2,"Z\u00fcrich\n(lake)"\n'.encode()

    assert table(tmp_path, "customer_activity", activity).rows == [
        (-7, date(2020, 1, 31), None, 0.001, 5),
        (-7, date(2019, 1, 1), date(2020, 1, 31), 0.5, 1),
    ]
    assert table(tmp_path, "stores", stores).rows == [(1, 'New York, "NY"'), (2, "Z\u00fcrich\n(lake)")]


def test_what_is_written_for_the_database_quotes_every_text_and_leaves_null_bare():
    rows = [(1, "Lis\rbon", None, 0.1, date(2020, 1, 31)), (2, 'a\r\n"b",c\n', None, -1e-300, None)]

    text = csv_files._written(rows).getvalue().decode()

    assert text.startswith('1,"Lis\rbon",,0.1,2020-01-31\n2,"a\r\n""b"",c\n",,')
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert read == [["" if cell is None else str(cell) for cell in row] for row in rows]


def test_plain_text_too_is_quoted():
    assert (
        csv_files._written([(1, "Porto")]).getvalue() == b'1,"Porto"\n'
    )  # else left to the version of Python


def test_members_of_a_gzip_file_are_read_one_after_another(tmp_path):
    data = gzip.compress(LABELS[:14]) + gzip.compress(LABELS[14:]) + b"\0" * 512

    assert len(table(tmp_path, "labels", data, ".csv.gz").rows) == 3


def test_the_digest_of_daily_files_is_that_of_their_bytes_in_order(tmp_path):
    days = [b"idx,value,date,store_idx\n1,2.5,2020-01-01,1\n", b"idx,value,date,store_idx\n"]
    for day, data in zip(("2020-01-01", "2020-01-02"), days, strict=True):
        folder = tmp_path / "sales" / day
        folder.mkdir(parents=True)
        folder.joinpath("sales.csv").write_bytes(data)

    sales = checked("sales", csv_finding.find(tmp_path)["sales"])

    whole = hashlib.sha256(b"".join(days)).hexdigest()
    assert sales.origin == f"the company's file, sha256 {whole} (2 files, one after another)"


PROFILES = b"idx,attr_a,attr_b,attr_c\n"

ACTIVITY = b"idx,valid_from,valid_to,scd_a,scd_b\n"

SALES = b"idx,value,date,store_idx\n"

PACKED = gzip.compress(b"idx,label\n" + b"".join(b"%d,0\n" % n for n in range(50_000)), mtime=0)


@pytest.mark.parametrize(
    ("name", "data", "line", "came", "expected"),
    [
        ("labels", b"", 1, "header []", "['idx', 'label']"),
        ("labels", b"\n\n", 1, "header []", "in any order"),
        ("labels", b"idx,label\n", 2, "no rows", "at least one row"),
        ("labels", b"idx\n1\n", 1, "missing: ['label']", "['idx', 'label']"),
        ("labels", b"idx,label,x\n1,1,1\n", 1, "unknown: ['x']", "['idx', 'label']"),
        ("labels", b"idx,label,idx\n1,1,1\n", 1, "['idx', 'label', 'idx']", "in any order"),
        ("labels", b"Idx,LABEL\n1,1\n", 1, "header ['Idx', 'LABEL']", "spelt like this"),
        ("labels", b"idx, label\n1,1\n", 1, "' label'", "spelt like this"),
        ("labels", b"idx;label\n1;1\n", 1, "'idx;label'", "separated by commas"),
        ("labels", b"1,1\n2,0\n", 1, "header ['1', '1']", "['idx', 'label']"),
        ("labels", b"idx,label\n1,0\n2,2\n", 3, "label is '2'", "0 or 1"),
        ("labels", b"idx,label\n1,0\n2,\n", 3, "label is ''", "0 or 1"),
        ("labels", b"idx,label\n1,0\n2,yes\n", 3, "label is 'yes'", "0 or 1"),
        ("labels", b"idx,label\n1,0\n2,1.0\n", 3, "label is '1.0'", "0 or 1"),
        ("labels", b"idx,label\n1,0\n,1\n", 3, "idx is ''", "a whole number"),
        ("labels", b"idx,label\n1.0,0\n", 2, "idx is '1.0'", "a whole number"),
        ("labels", b"idx,label\n1e3,0\n", 2, "idx is '1e3'", "a whole number"),
        ("labels", b"idx,label\n 1,0\n", 2, "idx is ' 1'", "a whole number"),
        ("labels", "idx,label\n\u0661,0\n".encode(), 2, "idx is '\u0661'", "a whole number"),
        ("labels", b"idx,label\n2147483648,0\n", 2, "idx is '2147483648'", "to 2147483647"),
        ("labels", b"idx,label\n" + b"9" * 5000 + b",0\n", 2, "idx is '999", "to 2147483647"),
        ("labels", b"idx,label\n1,0\n2,0\n\n3,0\n", 4, "the number of fields is 0", "2, as in the header"),
        ("labels", b"idx,label\n1,0\n2\n", 3, "the number of fields is 1", "2, as in the header"),
        ("labels", b"idx,label\n1,0,\n", 2, "the number of fields is 3", "2, as in the header"),
        ("labels", b"idx,label\n1,0\n1,0\n", 3, "idx 1 was on line 2 already", "one row for each idx"),
        ("labels", b"idx,label\r\n1,0\r\n01,1\r\n", 3, "idx 1 was on line 2", "one row for each idx"),
        ("labels", b"idx,label\n1,0\n2,\xe9\n", 3, "byte 0xe9 is not UTF-8", "UTF-8 text"),
        ("labels", b"\xef\xbb\xbfidx,label\r\n1,0\r\n2,\xe9\r\n", 3, "byte 0xe9", "UTF-8 text"),
        ("labels", b"\xff\xfei\0d\0x\0", 1, "byte 0xff is not UTF-8", "UTF-8 text"),
        ("labels", b"idx,label\n1,0\n2,\x001\n", 3, "a NUL character", "text"),
        ("labels", gzip.compress(LABELS, mtime=0), 1, "byte 0x8b", "gzip file's name ends in .gz"),
        ("labels", b'idx,label\n1,0\n"2,0\n3,1\n', 3, "broken quotes", "quoted fields"),
        ("labels", b'idx,label\n1,0\n"2"x,0\n', 3, "broken quotes", "quoted fields"),
        ("stores", b"idx,location\n1,Lisbon\n1,Porto\n", 3, "idx 1 was on line 2", "one row"),
        ("stores", b'idx,location\n1,"a\nb"\n1,Porto\n', 4, "idx 1 was on line 2", "one row"),
        ("stores", b"idx,location\n1,\n", 2, "location is ''", "a name"),
        ("stores", b"idx,location\n1,Paris \n", 2, "location is 'Paris '", "not padded with blanks"),
        ("customer_profiles", PROFILES + b"1,1,a,no \n", 2, "attr_c is 'no '", "not padded with blanks"),
        ("stores", b'idx,location\n1,"Lis\nbon"\nx,Porto\n', 4, "idx is 'x'", "a whole number"),
        ("customer_profiles", PROFILES + b"1,1,ab,yes\n", 2, "attr_b is 'ab'", "one character"),
        ("customer_profiles", PROFILES + b"1,1, ,yes\n", 2, "attr_b is ' '", "one character"),
        ("customer_profiles", PROFILES + b"1,1,a,maybe\n", 2, "attr_c is 'maybe'", "one to three characters"),
        ("customer_profiles", PROFILES + b"1,,a,yes\n", 2, "attr_a is ''", "a whole number"),
        ("customer_profiles", PROFILES + b"1,1,a,yes\n2,1,a,no\n1,1,a,no\n", 4, "idx 1 was", "one row"),
        ("customer_activity", ACTIVITY + b"1,2020-01-01,,nan,1\n", 2, "scd_a is 'nan'", "a finite number"),
        ("customer_activity", ACTIVITY + b"1,2020-01-01,,-Infinity,1\n", 2, "scd_a is", "a finite number"),
        (
            "customer_activity",
            ACTIVITY + b"1,2020-01-01,,1e999,1\n",
            2,
            "scd_a is '1e999'",
            "a finite number",
        ),
        ("customer_activity", ACTIVITY + b'1,2020-01-01,,"0,5",1\n', 2, "scd_a is '0,5'", "a finite number"),
        ("customer_activity", ACTIVITY + b"1,2020-01-01,,1_0,1\n", 2, "scd_a is '1_0'", "a finite number"),
        ("customer_activity", ACTIVITY + b"1,,,1,1\n", 2, "valid_from is ''", "a day as YYYY-MM-DD"),
        ("customer_activity", ACTIVITY + b"1,2020-02-30,,1,1\n", 2, "valid_from is", "a day as YYYY-MM-DD"),
        ("customer_activity", ACTIVITY + b"1,01/02/2020,,1,1\n", 2, "valid_from is", "a day as YYYY-MM-DD"),
        ("customer_activity", ACTIVITY + b"1,2020-01-01,NULL,1,1\n", 2, "valid_to is 'NULL'", "or nothing"),
        (
            "customer_activity",
            ACTIVITY + b"1,2020-01-02,2020-01-01,1,1\n",
            2,
            "valid_to 2020-01-01 is before valid_from 2020-01-02",
            "a spell that ends after it starts",
        ),
        (
            "customer_activity",
            ACTIVITY + b"1,2020-01-01,,1,1\n2,2020-01-01,,1,1\n1,2020-02-01,,1,1\n",
            4,
            "idx 1 was on line 2 already",
            "one row without valid_to",
        ),
        (
            "customer_activity",
            ACTIVITY + b"1,2020-01-01,2021-01-01,1,1\n1,2021-01-01,9999-12-31,1,1\n",
            3,
            "valid_to is 9999-12-31, and is never empty",
            "it empty in the current row of a client",
        ),
        ("sales", SALES + b"1,inf,2020-01-01,1\n", 2, "value is 'inf'", "a finite number"),
        ("sales", SALES + b"1,1,2020-01-01,1\n1,2,2020-01-02,1\n", 3, "idx 1 was on line 2", "one row"),
    ],
)
def test_a_faulty_file_is_refused_with_line_what_came_and_what_was_expected(
    tmp_path, name, data, line, came, expected
):
    with pytest.raises(LoadError) as refused:
        table(tmp_path, name, data)

    told = str(refused.value)
    assert f"{tmp_path / name}.csv, line {line}: " in told
    assert came in told.split("; expected ")[0]
    assert expected in told.split("; expected ")[1]


@pytest.mark.parametrize(
    ("data", "came"),
    [
        (PACKED[:-9], "ends too early"),
        (PACKED[: len(PACKED) // 2], "ends too early"),
        (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "the checksum does not match"),
        (PACKED[:-4] + b"\0\0\0\0", "the checksum does not match"),
        (PACKED + b"more", "damaged"),
        (LABELS, "not gzip"),
        (PACKED[:5], "ends too early"),
    ],
    ids=["end missing", "half", "checksum", "length", "something behind", "plain text", "header only"],
)
def test_a_gzip_file_that_is_not_whole_is_refused_where_it_breaks(tmp_path, data, came):
    with pytest.raises(
        LoadError, match=rf"labels\.csv\.gz, line \d+: .*{came}.*expected a complete gzip file"
    ):
        table(tmp_path, "labels", data, ".csv.gz")


def test_the_line_at_which_a_gzip_file_is_cut_off_is_the_first_that_is_not_whole(tmp_path):
    half = PACKED[: len(PACKED) // 2]
    n_whole = zlib.decompressobj(wbits=31).decompress(half).count(b"\n")

    with pytest.raises(LoadError, match=f"line {n_whole + 1}: the compressed file ends too early here"):
        table(tmp_path, "labels", half, ".csv.gz")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_the_line_at_which_a_gzip_file_is_damaged_is_found_whatever_ends_a_line(tmp_path, end):
    rows = [b"idx,label", *(b"%d,0" % n for n in range(5_000))]
    compressor = zlib.compressobj(wbits=31)
    whole = compressor.compress(end.join(rows) + end) + compressor.flush(zlib.Z_FULL_FLUSH)

    with pytest.raises(LoadError, match=rf"line {len(rows) + 1}: the file is not gzip, or damaged here"):
        table(tmp_path, "labels", whole + b"\xff" * 20, ".csv.gz")


def test_a_gzip_file_of_many_small_members_and_padding_is_read_whole(tmp_path):
    rows = b"".join(gzip.compress(b"%d,0\n" % n) + b"\0" * (n % 3) for n in range(2_000))

    assert len(table(tmp_path, "labels", gzip.compress(b"idx,label\n") + rows, ".csv.gz").rows) == 2_000


def test_a_duplicate_in_another_day_is_named_with_both_files(tmp_path):
    for day in ("2020-01-01", "2020-01-02"):
        folder = tmp_path / "sales" / day
        folder.mkdir(parents=True)
        folder.joinpath("sales.csv").write_bytes(SALES + f"5,1.5,{day},1\n".encode())

    with pytest.raises(LoadError, match=r"01-02/sales\.csv, line 2: idx 5 was on .*01-01/sales\.csv, line 2"):
        checked("sales", csv_finding.find(tmp_path)["sales"])


def test_every_table_names_its_columns_once():
    assert all(len(set(names)) == len(names) for names in COLUMNS.values())
