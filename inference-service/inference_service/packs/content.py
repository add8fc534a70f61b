"""The files of a pack: where they lie, what they really are, whether their sums are right. Believes no file name.

A pickle runs whatever its author wrote into it while it is read. None is ever read here: a file counts as TorchScript
only when it is a zip with code and constants, which torch reads with a reader of its own.
"""

import hashlib
import stat
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from inference_service.packs.manifest import MAX_FILE_BYTES, Manifest, PackFile
from inference_service.packs.problem import BadPack, Problem, bad
from inference_service.weights import entry as fetched_entry
from shared_kernel.errors import ArtifactError
from shared_kernel.vision import weights

Kind = Literal["onnx", "openvino", "paddle", "torchscript"]

#: What a stored file looks like from outside; None where there is none. Whoever changes a file changes this.
Stamp = tuple[int, int, int, int] | None

_READ_BYTES: Final = 1 << 20

#: ONNX may name weights in other files, by any path; the key of such an entry as it stands in the file.
_OUTSIDE_WEIGHTS: Final = b"\x0a\x08location"

#: First bytes: of a zip, of a pickle of protocols 2 to 5.
_ZIP: Final = b"PK\x03\x04"
_PICKLES: Final = tuple(bytes((0x80, protocol)) for protocol in (2, 3, 4, 5))

#: The file with the weights that belongs to a network of this kind: same name, this ending.
_COMPANIONS: Final[dict[Kind, str]] = {"openvino": ".bin", "paddle": ".pdiparams"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a pack. `sha256` is empty where the repository itself keeps it; `remedy` says how to get it."""

    field: str
    path: Path
    sha256: str
    remedy: str = ""


def located(pack: str, folder: Path, manifest: Manifest, weights_dir: Path, *, builtin: bool) -> list[StoredFile]:
    """Say where the files of a pack lie. Looks at names only.

    Raises:
        BadPack: a file that only packs of the project may name, or one that weights.toml does not know.
    """
    return [
        _located(pack, f"files.{index}", folder, file, weights_dir, builtin=builtin)
        for index, file in enumerate(manifest.files)
    ]


def _located(pack: str, field: str, folder: Path, file: PackFile, weights_dir: Path, *, builtin: bool) -> StoredFile:
    if file.path is not None:
        return StoredFile(f"{field}.path", folder / file.path, file.sha256 or "")
    if not builtin:
        raise bad(pack, field, "expected path and sha256; fetched and kept are for packs that come with the project")
    if file.fetched is not None:
        try:
            entry = fetched_entry(file.fetched)
        except ArtifactError as error:
            raise bad(pack, f"{field}.fetched", str(error)) from error
        return StoredFile(
            f"{field}.fetched", weights_dir / entry.file, entry.sha256, "; `xunshi models fetch` obtains it"
        )
    return StoredFile(f"{field}.kept", weights.KEPT / (file.kept or ""), "")


def stamp(path: Path) -> Stamp:
    """Look at a file from outside."""
    try:
        seen = path.stat()
    except (OSError, ValueError):
        return None
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino


def check_place(pack: str, folder: Path, file: StoredFile, *, builtin: bool) -> None:
    """Make sure that a file is there, is a plain file of bearable size, and lies inside the pack's folder.

    Raises:
        BadPack: it is not.
    """
    try:
        seen = file.path.stat()
        inside = builtin or file.path.resolve(strict=True).is_relative_to(folder.resolve(strict=True))
    except FileNotFoundError as error:
        raise bad(pack, file.field, f"expected {file.path.name}, got no such file{file.remedy}") from error
    except (OSError, RuntimeError) as error:
        raise bad(pack, file.field, f"expected a readable file, got: {error}") from error
    if not inside:
        raise bad(pack, file.field, "expected a file inside the pack's folder, got a link that leads out of it")
    if not stat.S_ISREG(seen.st_mode):
        raise bad(pack, file.field, f"expected a plain file, got something else: {file.path.name}")
    if not 0 < seen.st_size <= MAX_FILE_BYTES:
        raise bad(pack, file.field, f"expected 1 to {MAX_FILE_BYTES} bytes, got {seen.st_size}")


def check_sum(pack: str, file: StoredFile) -> None:
    """Make sure that a file has the sum that the manifest names, if it names one.

    Raises:
        BadPack: it has another; also while it is still being copied.
    """
    if not file.sha256:
        return
    try:
        with file.path.open("rb") as opened:
            got = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(pack, file, error) from error
    if got != file.sha256:
        field = file.field.removesuffix(".path") + ".sha256" if file.field.endswith(".path") else file.field
        message = f"expected sha256 {file.sha256} (of {file.path.name}), got {got}: altered, or still being copied"
        raise bad(pack, field, message + file.remedy)


def network(pack: str, files: Sequence[StoredFile]) -> tuple[StoredFile, Kind]:
    """Find the one network among the files, and what it is.

    Raises:
        BadPack: there is none, or several; a pickle; weights that are missing or lie elsewhere.
    """
    found: list[tuple[StoredFile, Kind]] = []
    others: list[str] = []
    for file in files:
        kind = _kind(pack, file)
        if kind is None:
            others.append(file.path.name)
        else:
            found.append((file, kind))
    if len(found) != 1:
        names = ", ".join(f"{file.path.name} ({kind})" for file, kind in found) or ", ".join(others)
        raise bad(pack, "files", f"expected one network (ONNX, OpenVINO .xml, Paddle, TorchScript), got {names}")
    file, kind = found[0]
    ending = _COMPANIONS.get(kind)
    if ending is not None:
        companion = file.path.with_suffix(ending)
        if companion not in [other.path for other in files]:
            raise bad(pack, "files", f"expected {companion.name} beside {file.path.name}, got no such entry")
    if kind == "onnx" and _names_outside_weights(pack, file):
        message = "expected an ONNX file with its weights inside, got one that names weights in other files"
        raise bad(pack, file.field, f"{message} (onnx.save(onnx.load(old), new) puts them together)")
    return file, kind


def _kind(pack: str, file: StoredFile) -> Kind | None:
    try:
        with file.path.open("rb") as opened:
            start = opened.read(512)
    except OSError as error:
        raise _unreadable(pack, file, error) from error
    companion = file.path.suffix in _COMPANIONS.values()
    if start.startswith(_ZIP):
        return _kind_of_zip(pack, file)
    if companion:
        return None
    if start.startswith(_PICKLES):
        raise _is_pickle(pack, file)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"<?xml", b"<net")):
        return "openvino"
    # Both are protobuf: ONNX opens with the number of its format, Paddle with its first block.
    if file.path.suffix == ".pdmodel" and start.startswith(b"\x0a"):
        return "paddle"
    return "onnx" if start.startswith(b"\x08") else None


def _kind_of_zip(pack: str, file: StoredFile) -> Kind:
    try:
        with zipfile.ZipFile(file.path) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, IndexError, RuntimeError) as error:
        raise bad(pack, file.field, f"expected a whole TorchScript archive, got a damaged zip: {error}") from error
    if "constants.pkl" in names and any(name.startswith("code/") for name in names):
        return "torchscript"
    if any(name.endswith(".pkl") for name in names):
        raise _is_pickle(pack, file)
    raise bad(
        pack, file.field, f"expected ONNX, OpenVINO, Paddle or TorchScript, got a zip with none: {file.path.name}"
    )


def _is_pickle(pack: str, file: StoredFile) -> BadPack:
    message = (
        f"expected ONNX, OpenVINO, Paddle or TorchScript, got a pickle: {file.path.name}; pickles run code and are "
        "never loaded (export the network, for example with torch.jit.trace or to ONNX)"
    )
    return BadPack(pack, Problem(file.field, message))


def _names_outside_weights(pack: str, file: StoredFile) -> bool:
    kept = b""
    try:
        with file.path.open("rb") as opened:
            while block := opened.read(_READ_BYTES):
                if _OUTSIDE_WEIGHTS in kept + block:
                    return True
                kept = block[-len(_OUTSIDE_WEIGHTS) :]
    except OSError as error:
        raise _unreadable(pack, file, error) from error
    return False


def _unreadable(pack: str, file: StoredFile, error: OSError) -> BadPack:
    """Whoever takes a pack away may do so while it is read."""
    return bad(pack, file.field, f"expected a readable file, got: {error}")
