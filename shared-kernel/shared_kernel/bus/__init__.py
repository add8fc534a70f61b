"""The bus: typed messages over Redis Streams with consumer groups. The only package that imports redis.

Uses the command set of Redis 6.2, so that valkey on a laptop and a cluster behave alike. Delivery is at least once:
a consumer publishes its results, then acknowledges; what a dead consumer held goes to another after `CLAIM_AFTER_MS`.

`client` sends and answers, `subscription` receives, `worker` is the loop around it, `leases` share things out,
`allowance` limits how often, `entries` knows keys and forms.

Redis keys:
    xunshi:<topic>            stream of a topic; fields `m` (JSON) and `b` (attachment bytes)
    xunshi:<topic>:<route>    the same, for messages that only one instance can use
    xunshi:<topic>.dead       messages that failed MAX_DELIVERIES times, with `group` and `reason`; replayable
    xunshi:reply:<id>         list with one reply for a waiting caller; expires
    xunshi:hint:<name>        pub/sub channel that wakes those who would otherwise poll
    xunshi:lock:<name>        lock of a job that one process of a cluster does
    xunshi:lease:<kind>       hash: thing -> fence, end, replica and instance of its lease
    xunshi:lease:<kind>:replicas  hash: replica -> end, capacity, name and address
    xunshi:lease:<kind>:fence the greatest fence that was given
    xunshi:order:<line>       highest number that was published in order; expires
    xunshi:allowance:<name>   when a bucket of allowed things will be empty, microseconds; expires
"""

from shared_kernel.bus.client import ORDER_KEPT_S, Bus
from shared_kernel.bus.entries import stream_key
from shared_kernel.bus.leases import LEASE_S, Leases, Replica, Round
from shared_kernel.bus.subscription import (
    BLOCK_MS,
    CLAIM_AFTER_MS,
    CLAIM_EVERY_S,
    FORGET_CONSUMER_MS,
    MAX_DELIVERIES,
    Delivery,
    Subscription,
)
from shared_kernel.bus.worker import Task, Worker, run_tasks

__all__ = [
    "BLOCK_MS",
    "CLAIM_AFTER_MS",
    "CLAIM_EVERY_S",
    "FORGET_CONSUMER_MS",
    "LEASE_S",
    "MAX_DELIVERIES",
    "ORDER_KEPT_S",
    "Bus",
    "Delivery",
    "Leases",
    "Replica",
    "Round",
    "Subscription",
    "Task",
    "Worker",
    "run_tasks",
    "stream_key",
]
