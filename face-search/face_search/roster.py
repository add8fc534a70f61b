"""Who is on which picture of a bundle: its CSV says so, or the names of its folders. Used by `importing`.

The CSV lies in the bundle, in UTF-8 or as Excel on a Chinese Windows writes it (GBK), separated by comma, semicolon or
tab. Columns by Chinese or English name, in any order; only the picture and the name must be there:

    file 照片            path in the bundle, from where the CSV lies; the bare name is enough where it is unique
    name 姓名            what people call them
    external_ref 编号     number in another system: who has the same number is the same person
    lists 名单           codes or names of lists, several separated by ; 、 or |
    note 备注            what guards should know
    basis 依据           consent 同意, contract 合同, duty 法定职责, safety 公共安全
    basis_detail 依据说明 such as where the signed consent lies
    accept_alike 仍然录入  yes 是: enrolled although somebody else has such a face
    consented_at 同意日期, expires_at 有效期至   2026-01-31, 2026/1/31 or 2026年1月31日; a day ends with its last moment

Without a CSV the folder is the name: `张三/1.jpg`; a picture outside of folders is named by its file: `张三.jpg`.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from face_search.bundles import MAX_FILES, BadBundle, BundledFile
from shared_kernel.vision.pictures import SUFFIXES

MAX_NAME: Final = 64
_MAX_LISTS: Final = 10
#: Longest text of each column that is kept, characters.
_LONGEST: Final = {"name": MAX_NAME, "external_ref": 64, "note": 500, "basis_detail": 200}
#: Names of columns as people write them; compared without case, blanks, `_` and `-`.
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "file": ("file", "filename", "path", "photo", "picture", "image", "照片", "图片", "文件", "文件名", "照片文件"),
    "name": ("name", "fullname", "姓名", "名字", "人员姓名"),
    "external_ref": ("externalref", "ref", "number", "no", "id", "staffno", "编号", "工号", "学号", "人员编号"),
    "lists": ("lists", "list", "group", "名单", "分组", "所属名单"),
    "note": ("note", "remark", "备注", "说明"),
    "basis": ("basis", "legalbasis", "依据", "处理依据", "合法依据"),
    "basis_detail": ("basisdetail", "依据说明", "同意书"),
    "accept_alike": ("acceptalike", "仍然录入", "相似仍录入"),
    "consented_at": ("consentedat", "consented", "同意日期", "同意时间"),
    "expires_at": ("expiresat", "expires", "validuntil", "有效期", "有效期至", "到期日", "到期日期"),
}
BASES: Final[Mapping[str, str]] = {
    "consent": "consent",
    "contract": "contract",
    "duty": "duty",
    "safety": "safety",
    "同意": "consent",
    "个人同意": "consent",
    "合同": "contract",
    "法定职责": "duty",
    "公共安全": "safety",
}
_ANSWERS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("yes", "y", "true", "1", "是"), True),
    **dict.fromkeys(("", "no", "n", "false", "0", "否"), False),
}
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_BETWEEN_LISTS: Final = re.compile(r"[;；、|,，]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the report to come: a picture and whose it is, or why it is nobody's.

    `file` is None where the CSV names a picture that is not there. `problem` is (code, words).
    """

    line_no: int
    path: str
    file: BundledFile | None
    name: str = ""
    external_ref: str = ""
    lists: tuple[str, ...] = ()
    note: str = ""
    basis: str = ""
    basis_detail: str = ""
    consented_at: datetime | None = None
    expires_at: datetime | None = None
    accept_alike: bool = False
    problem: tuple[str, str] | None = None


def table_of(files: Sequence[BundledFile]) -> BundledFile | None:
    """The CSV of a bundle: the one that lies nearest to its top.

    Raises:
        BadBundle: several could be meant.
    """
    tables = [file for file in files if file.path.lower().endswith(".csv") and file.problem is None]
    if not tables:
        return None
    depth = min(file.path.count("/") for file in tables)
    nearest = [file for file in tables if file.path.count("/") == depth]
    if len(nearest) > 1:
        raise BadBundle("several_tables", f"expected one CSV, got {', '.join(file.path for file in nearest[:3])}")
    return nearest[0]


def by_folders(files: Sequence[BundledFile]) -> list[Entry]:
    """A line for each file, named by its folder."""
    entries = []
    for line_no, file in enumerate(files, 1):
        named = file.folder.rpartition("/")[2] or file.name.rpartition(".")[0]
        problem = file.problem or _no_picture(file) or _name_problem(named)
        entries.append(Entry(line_no, file.path, file, name=_tidy(named)[:MAX_NAME], problem=problem))
    return entries


def by_table(files: Sequence[BundledFile], table: BundledFile, content: bytes, zone: tzinfo) -> list[Entry]:
    """A line for each row of the CSV, then one for each file that no row names.

    Args:
        files: everything in the bundle, the CSV too.
        table: the CSV.
        content: its bytes.
        zone: whose midnight a day without a time ends at.

    Raises:
        BadBundle: it cannot be read as a table with a header that names pictures and persons.
    """
    finder = _Finder([file for file in files if file is not table], table.folder)
    entries: list[Entry] = []
    used: set[str] = set()
    for row in _rows(content):
        entry = _entry(len(entries) + 1, row, finder, zone)
        named = entry.file
        if named is not None:
            if named.path in used and entry.problem is None:
                entry = replace(entry, problem=("double_row", "another row names this picture already"))
            used.add(named.path)
        entries.append(entry)
        if len(entries) > MAX_FILES:
            raise BadBundle("too_many", f"expected at most {MAX_FILES} rows, got more")
    for file in files:
        if file is table or file.path in used:
            continue
        problem = file.problem or _no_picture(file) or ("not_listed", "no row of the CSV names this file")
        entries.append(Entry(len(entries) + 1, file.path, file, problem=problem))
    return entries


def _rows(content: bytes) -> Iterator[dict[str, str]]:
    """Rows as column → text, blank ones left out."""
    text = _text(content)
    head, _, _ = text.lstrip("\r\n").partition("\n")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next((row for row in reader if any(cell.strip() for cell in row)), [])
        columns = _columns(header)
        for row in reader:
            if any(cell.strip() for cell in row):
                yield {column: _tidy(row[at]) for column, at in columns.items() if at < len(row)}
    except csv.Error as error:
        raise BadBundle("bad_table", f"CSV line {reader.line_num}: expected a table, got: {error}") from error


def _text(content: bytes) -> str:
    """The table as text.

    Raises:
        BadBundle: in no encoding that we know.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return content.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    raise BadBundle("bad_table", "CSV: expected UTF-8, UTF-16 or GBK, got something else")


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Which column is where.

    Raises:
        BadBundle: a necessary one is missing, or one is there twice.
    """
    known = {word: column for column, words in _COLUMNS.items() for word in words}
    found: dict[str, int] = {}
    for at, title in enumerate(header):
        column = known.get(re.sub(r"[\s_-]", "", _tidy(title)).lower())
        if column is None:
            continue
        if column in found:
            raise BadBundle(
                "bad_table", f"CSV header: expected one column {column}, got two: {', '.join(header)[:120]}"
            )
        found[column] = at
    for column, chinese in (("file", "照片"), ("name", "姓名")):
        if column not in found:
            got = ", ".join(header)[:120] or "nothing"
            raise BadBundle("bad_table", f"CSV header: expected a column {column} ({chinese}), got {got}")
    return found


class _Finder:
    """Finds the file that a row means."""

    def __init__(self, files: Sequence[BundledFile], folder: str) -> None:
        self._folder = folder
        self._by_path = {file.path: file for file in reversed(files)}  # of two with one name the first is the good one
        self._by_folded = {file.path.casefold(): file for file in reversed(files)}
        self._by_name: dict[str, list[BundledFile]] = {}
        for file in files:
            self._by_name.setdefault(file.name.casefold(), []).append(file)

    def find(self, given: str) -> BundledFile | tuple[str, str]:
        """The file, or why none (code, words)."""
        path = unicodedata.normalize("NFC", given).replace("\\", "/").removeprefix("./")
        beside = f"{self._folder}/{path}" if self._folder else path
        for wanted in (beside, path):
            found = self._by_path.get(wanted) or self._by_folded.get(wanted.casefold())
            if found is not None:
                return found
        named = self._by_name.get(path.casefold(), []) if "/" not in path else []
        if len(named) == 1:
            return named[0]
        if named:
            return "ambiguous_file", f"{len(named)} files are called so: write the folder too"
        return "no_file", "no such file in the bundle"


def _entry(line_no: int, row: Mapping[str, str], finder: _Finder, zone: tzinfo) -> Entry:
    given = row.get("file", "")
    found = finder.find(given) if given else ("no_file", "the row names no picture")
    file = found if isinstance(found, BundledFile) else None
    problem = None if isinstance(found, BundledFile) else found
    if file is not None:
        problem = file.problem or _no_picture(file)
    entry = Entry(line_no, (file.path if file else given)[:255], file, problem=problem)
    return entry if problem else _filled(entry, row, zone)


def _filled(entry: Entry, row: Mapping[str, str], zone: tzinfo) -> Entry:
    name = row.get("name", "")
    problem = _name_problem(name)
    for column, longest in _LONGEST.items():
        if problem is None and len(row.get(column, "")) > longest:
            problem = ("bad_value", f"{column}: expected at most {longest} characters")
    basis = BASES.get(row.get("basis", "").lower(), "") if row.get("basis") else ""
    if problem is None and row.get("basis") and not basis:
        problem = ("bad_value", f"basis: expected one of {', '.join(BASES)}"[:200])
    accept_alike = _ANSWERS.get(row.get("accept_alike", "").lower())
    if problem is None and accept_alike is None:
        problem = ("bad_value", "accept_alike: expected yes or no (是, 否)")
    days: dict[str, datetime | None] = {}
    for column in ("consented_at", "expires_at"):
        try:
            days[column] = _day(row.get(column, ""), zone, last_moment=column == "expires_at")
        except ValueError:
            days[column] = None
            problem = problem or ("bad_value", f"{column}: expected a day such as 2026-01-31")
    lists = tuple(dict.fromkeys(filter(None, map(str.strip, _BETWEEN_LISTS.split(row.get("lists", ""))))))
    if problem is None and len(lists) > _MAX_LISTS:
        problem = ("bad_value", f"lists: expected at most {_MAX_LISTS}")
    return Entry(
        entry.line_no,
        entry.path,
        entry.file,
        name=name[:MAX_NAME],
        external_ref=row.get("external_ref", ""),
        lists=lists,
        note=row.get("note", ""),
        basis=basis,
        basis_detail=row.get("basis_detail", ""),
        consented_at=days["consented_at"],
        expires_at=days["expires_at"],
        accept_alike=accept_alike or False,
        problem=problem,
    )


def _day(text: str, zone: tzinfo, *, last_moment: bool) -> datetime | None:
    """A day, or a moment in RFC 3339; None for nothing.

    Raises:
        ValueError: it is neither.
    """
    if not text:
        return None
    found = _DAY.fullmatch(text)
    if found is None:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    begin = datetime(*map(int, found.groups()), tzinfo=zone)  # type: ignore[arg-type,misc]  # year, month, day
    moment = begin + timedelta(days=1) - timedelta(milliseconds=1) if last_moment else begin
    return moment.astimezone(UTC)


def _no_picture(file: BundledFile) -> tuple[str, str] | None:
    if file.path.lower().endswith(tuple(SUFFIXES)):
        return None
    return "not_a_picture", f"expected one of {' '.join(sorted(SUFFIXES))}"


def _name_problem(name: str) -> tuple[str, str] | None:
    tidy = _tidy(name)
    if not tidy:
        return "no_name", "expected a name, got none"
    if len(tidy) > MAX_NAME:
        return "bad_value", f"name: expected at most {MAX_NAME} characters, got {len(tidy)}"
    return None


def _tidy(text: str) -> str:
    """Without what no screen shows, blanks at the ends, and the `'` that guards a cell from Excel."""
    shown = "".join(
        letter for letter in unicodedata.normalize("NFC", text) if unicodedata.category(letter) not in _DARK
    )
    return re.sub(r"\s+", " ", shown).strip()


_DARK: Final = frozenset({"Cf", "Cs", "Co"})
