"""Where a camera may be: which hosts, files and devices this service opens. Pure; used by `adapters.sockets` and above.

An address is typed by an administrator and opened from inside the site's network. So the machine itself, link-local and
metadata addresses and the platform's own services are refused, for the address as it is typed and for every further one
that it leads to; files are read only below the configured folders. What an operator allows by range is allowed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from shared_kernel.messages import CameraReason
from stream_service.rules import MAX_ADDRESS_CHARS, CameraFailed

#: Schemes that are opened over the network, with the port that is meant when none is given.
DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443}
FILE_SCHEME: Final = "file"
DEVICE_SCHEME: Final = "v4l2"

#: Gives the IP addresses of a host name and port, as text; none when it has none.
Resolve = Callable[[str, int], set[str]]
#: Whether an IP address belongs to this very machine.
IsOwn = Callable[[str], bool]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Cloud metadata and host agents that are not link-local.
_METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Reach:
    """What cameras of this installation may be.

    `allowed` are ranges that would be refused otherwise; `blocked` are further ranges of the platform; `services` are
    host names of its parts, whose addresses no camera may have.
    """

    file_roots: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    allowed: tuple[Network, ...] = ()
    blocked: tuple[Network, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """What may be opened for an address.

    `addresses` are the checked IP addresses of `host`: a connection goes to one of them and asks no name again, so that
    a name that changes its meaning leads nowhere. A file or device has none, and its real path in `path`.
    """

    url: str
    scheme: str
    host: str = ""
    port: int = 0
    addresses: tuple[str, ...] = ()
    path: str = ""


def checked_target(url: str, reach: Reach, resolve: Resolve, is_own: IsOwn = lambda _: False) -> Target:
    """What may be opened for `url`.

    Raises:
        CameraFailed: it may not be opened, the host has no address, or the file is not there.
    """
    parts = _split(url)
    if parts.scheme == FILE_SCHEME:
        return Target(url, FILE_SCHEME, path=str(_file_below(unquote(parts.path), reach.file_roots)))
    if parts.scheme == DEVICE_SCHEME:
        return Target(url, DEVICE_SCHEME, path=str(_device(unquote(parts.path), reach.devices)))
    if parts.scheme not in DEFAULT_PORTS:
        allowed = ", ".join(sorted({*DEFAULT_PORTS, FILE_SCHEME, DEVICE_SCHEME}))
        raise _refused(f"address: expected one of {allowed}, got {parts.scheme[:20] or 'no scheme'}")
    host, port = parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]
    if not host:
        raise _refused("address: expected a host, got none")
    found = resolve(host, port)
    if not found:
        raise CameraFailed(CameraReason.NOT_FOUND, f"host {host}: has no address")
    services = {one for name in reach.services for one in resolve(name, 0)}
    for address in sorted(found):
        if is_refused(address, reach, is_own=is_own(address), is_service=address in services):
            what = f"{address} is none" if address == host else f"{host} leads to {address}, which is none"
            raise _refused(f"address: {what} that cameras may use")
    return Target(url, parts.scheme, host, port, tuple(sorted(found, key=_ipv4_first)))


def is_refused(address: str, reach: Reach, *, is_own: bool = False, is_service: bool = False) -> bool:
    """Whether no camera may be at this IP address. `is_own`: of this machine; `is_service`: of one of our parts."""
    ip = _inner(ipaddress.ip_address(address.partition("%")[0]))
    if ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback):  # ::1 counts as reserved
        return True
    if any(ip in network for network in reach.allowed):
        return False
    special = ip in _METADATA or ip.is_link_local or ip.is_loopback
    return special or is_own or is_service or any(ip in network for network in reach.blocked)


def with_address(target: Target, address: str) -> str:
    """The URL of `target` with this IP address instead of its host; everything else stays."""
    parts = urlsplit(target.url)
    before, at, _ = parts.netloc.rpartition("@")
    host = f"[{address}]" if ":" in address else address
    return parts._replace(netloc=f"{before}{at}{host}:{target.port}").geturl()


def credentials(url: str) -> tuple[str, str] | None:
    """User name and password of an address, decoded; None when it has none."""
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def without_credentials(url: str) -> str:
    """The same address without user name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def with_credentials_of(known: str, further: str) -> str:
    """`further` with the name and password of `known`, but only on the same host and port; another one gets none."""
    before, after = urlsplit(known), urlsplit(further)
    if _origin(before) != _origin(after):
        return without_credentials(further)
    login, at, _ = before.netloc.rpartition("@")
    return after._replace(netloc=f"{login}{at}{after.netloc.rpartition('@')[2]}").geturl()


def _split(url: str) -> SplitResult:
    if len(url) > MAX_ADDRESS_CHARS or any(char < " " or char == "\x7f" for char in url):
        raise _refused(f"address: expected at most {MAX_ADDRESS_CHARS} printable characters")
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError as error:
        raise _refused("address: expected scheme://host/path") from error
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _refused(detail: str) -> CameraFailed:
    return CameraFailed(CameraReason.BLOCKED_ADDRESS, detail)


def _ipv4_first(address: str) -> tuple[bool, str]:
    return ":" in address, address


def _inner(ip: _Address) -> _Address:
    """The IPv4 address that an IPv6 address only wraps."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        return inner or ip
    return ip


def _file_below(path: str, roots: Sequence[Path]) -> Path:
    """The real path of a file below one of `roots`. Outside of them nothing is said about what exists."""
    if "\x00" in path:
        raise CameraFailed(CameraReason.FILE_OUTSIDE, "file: expected a path without NUL")
    real = Path(path).resolve()
    if not path.startswith("/") or not any(real.is_relative_to(root.resolve()) for root in roots):
        raise CameraFailed(CameraReason.FILE_OUTSIDE, "file: expected one in a folder that cameras may read")
    if not real.is_file():
        raise CameraFailed(CameraReason.FILE_MISSING, f"file {real.name}: not there")
    return real


def _device(path: str, devices: Sequence[Path]) -> Path:
    """A video device that the operator named: its own path, or a link such as those of /dev/v4l/by-id."""
    if "\x00" in path or not any(path == str(device) for device in devices):
        raise CameraFailed(CameraReason.FILE_OUTSIDE, "device: expected one that STREAM_DEVICES names")
    if not Path(path).is_char_device():
        raise CameraFailed(CameraReason.FILE_MISSING, f"device {Path(path).name}: not there")
    return Path(path)
