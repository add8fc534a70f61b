from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from face_search.bundles import BadBundle, Bundle
from face_search.roster import Entry, by_folders, by_table, table_of
from tests.unit.face_search.zips import zipped

SHANGHAI = timezone(timedelta(hours=8))


def listed(*names: str) -> list[Entry]:
    return by_folders(Bundle(zipped([(name, b"x") for name in names])).files)


def tabled(csv: str | bytes, *names: str, place: str = "persons.csv") -> list[Entry]:
    content = csv.encode() if isinstance(csv, str) else csv
    bundle = Bundle(zipped([(place, content), *((name, b"x") for name in names)]))
    table = table_of(bundle.files)
    assert table is not None
    return by_table(bundle.files, table, bundle.read(table), SHANGHAI)


def codes(entries: list[Entry]) -> list[tuple[str, str | None]]:
    return [(entry.path, entry.problem[0] if entry.problem else None) for entry in entries]


def test_without_a_table_the_folder_is_the_name() -> None:
    entries = listed("staff/张三/1.jpg", "李 四/x.png", "王五.jpg", "张三/note.txt")
    assert [(entry.line_no, entry.name) for entry in entries] == [(1, "张三"), (2, "李 四"), (3, "王五"), (4, "张三")]
    assert codes(entries)[3] == ("张三/note.txt", "not_a_picture")


def test_a_folder_without_a_name_is_refused() -> None:
    assert codes(listed("\u200b/1.jpg", f"{'x' * 65}/1.jpg")) == [
        ("\u200b/1.jpg", "no_name"),
        (f"{'x' * 65}/1.jpg", "bad_value"),
    ]


def test_every_column_in_chinese_as_excel_writes_it() -> None:
    csv = (
        "姓名,照片,编号,名单,备注,依据,依据说明,同意日期,有效期至,部门\r\n"
        '张三,照片\\1.jpg,007,员工;白名单,"说明,有逗号",个人同意,柜子 3,2026/1/5,2026年12月31日,后勤\r\n'
    )
    [entry] = tabled(csv.encode("gbk"), "照片/1.jpg")
    assert entry.problem is None
    assert entry == Entry(
        1,
        "照片/1.jpg",
        entry.file,
        "张三",
        "007",
        ("员工", "白名单"),
        "说明,有逗号",
        "consent",
        "柜子 3",
        datetime(2026, 1, 4, 16, tzinfo=UTC),
        datetime(2026, 12, 31, 15, 59, 59, 999_000, tzinfo=UTC),
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_english_columns_in_any_separator_and_encoding(delimiter: str, encoding: str) -> None:
    csv = "\n".join(
        delimiter.join(row) for row in (("File", "NAME", "Expires At"), ("1.jpg", "Zoë", "2026-02-03T04:05Z"))
    )
    [entry] = tabled(csv.encode(encoding), "1.jpg")
    assert (entry.name, entry.expires_at, entry.problem) == ("Zoë", datetime(2026, 2, 3, 4, 5, tzinfo=UTC), None)


def test_a_picture_is_found_beside_the_table_from_the_top_or_by_its_bare_name() -> None:
    csv = "照片,姓名\nin/1.jpg,甲\nset/in/2.jpg,乙\n3.JPG,丙\n./in/4.jpg,丁\n"
    entries = tabled(csv, "set/in/1.jpg", "set/in/2.jpg", "far/off/3.jpg", "set/in/4.jpg", place="set/list.csv")
    assert codes(entries) == [
        (name, None) for name in ("set/in/1.jpg", "set/in/2.jpg", "far/off/3.jpg", "set/in/4.jpg")
    ]


def test_every_row_and_every_file_has_a_line_with_its_reason() -> None:
    csv = (
        "照片,姓名,依据,有效期至\n1.jpg,甲,,\n1.jpg,乙,,\ngone.jpg,丙,,\n,丁,,\nx.jpg,戊,,\n2.jpg,,,\n"
        "3.jpg,己,because,\n4.jpg,庚,,soon\n5.jpg,辛,,2026-02-30\n\n \n"
    )
    files = ("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "a/x.jpg", "b/x.jpg", "left.jpg", "readme.txt")
    assert codes(tabled(csv, *files)) == [
        ("1.jpg", None),
        ("1.jpg", "double_row"),
        ("gone.jpg", "no_file"),
        ("", "no_file"),
        ("x.jpg", "ambiguous_file"),
        ("2.jpg", "no_name"),
        ("3.jpg", "bad_value"),
        ("4.jpg", "bad_value"),
        ("5.jpg", "bad_value"),
        ("a/x.jpg", "not_listed"),
        ("b/x.jpg", "not_listed"),
        ("left.jpg", "not_listed"),
        ("readme.txt", "not_a_picture"),
    ]


@pytest.mark.parametrize(
    "csv",
    [
        pytest.param("", id="empty"),
        pytest.param("姓名,部门\n张三,后勤\n", id="no column of pictures"),
        pytest.param("照片,部门\n1.jpg,后勤\n", id="no column of names"),
        pytest.param("照片,姓名,名字\n1.jpg,甲,乙\n", id="a column twice"),
        pytest.param('照片,姓名\n"1.jpg,甲\n', id="a quote that does not end"),
        pytest.param(b"\x81\xff\xff\xff", id="no text"),
        pytest.param("照片,姓名\n" + "x" * 200_000, id="an endless cell"),
    ],
)
def test_a_table_that_cannot_be_read_fails_whole(csv: str | bytes) -> None:
    with pytest.raises(BadBundle) as caught:
        tabled(csv, "1.jpg")
    assert caught.value.code == "bad_table"


def test_two_tables_at_the_top_are_one_too_many_and_one_further_down_is_none() -> None:
    files = Bundle(zipped([("a.csv", b""), ("b.csv", b"")])).files
    with pytest.raises(BadBundle, match="expected one CSV"):
        table_of(files)
    deeper = Bundle(zipped([("a.csv", b""), ("more/b.csv", b"")])).files
    assert table_of(deeper) == deeper[0]
    assert table_of(Bundle(zipped([("a.jpg", b"")])).files) is None


def test_long_values_and_many_lists_are_refused() -> None:
    csv = f"照片,姓名,备注,名单\n1.jpg,甲,{'x' * 501},\n2.jpg,乙,,{';'.join(map(str, range(11)))}\n"
    assert codes(tabled(csv, "1.jpg", "2.jpg")) == [("1.jpg", "bad_value"), ("2.jpg", "bad_value")]
