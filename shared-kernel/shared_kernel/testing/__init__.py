"""Real parts for tests and benches: started on free loopback ports, stopped again, gone even after `kill -9`.

`waiting` and `ports` are the two small tools; `parts` runs a program; `valkey`, `mariadb`, `s3`, `rtsp` and `browser`
are the parts; `debian` unpacks programs that a machine lacks; `fixtures` makes pytest fixtures of them. Services may
not import this package.
"""

from shared_kernel.testing.ports import free_port
from shared_kernel.testing.waiting import wait_until

__all__ = ["free_port", "wait_until"]
