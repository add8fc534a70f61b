"""What `/metrics` says of archived frames."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared_kernel.archive import Archive
from stream_service.archiving.reports import Reports


class ArchiveCollector(Collector):
    def __init__(self, archive: Archive, reports: Reports) -> None:
        self._archive, self._reports = archive, reports

    def collect(self) -> Iterator[Metric]:
        settled = CounterMetricFamily("stream_archived_frames", "Frames that were settled", labels=["outcome"])
        for outcome in ("stored", "failed"):
            settled.add_metric([outcome], self._reports.frames[outcome])
        yield settled
        yield GaugeMetricFamily("stream_archive_waiting", "Frames that are not settled yet", self._archive.waiting)
        yield CounterMetricFamily(
            "stream_archive_reports_dropped", "Rows lost: the bus was away", self._reports.dropped
        )
