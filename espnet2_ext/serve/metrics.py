"""What Prometheus is told."""

from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.types import Scope

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
ROWS = (1, 2, 4, 8, 16, 32)


class Metrics:
    """Counts of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        own: Any = {"registry": self.registry}
        self._requests = Counter(
            "sttatts_requests", "Requests answered", ("path", "status"), **own
        )
        self._seconds = Histogram(
            "sttatts_request_seconds",
            "Time to the end of the answer",
            ("path",),
            buckets=SECONDS,
            **own,
        )
        self.waiting = Gauge("sttatts_waiting", "Requests that wait", **own)
        self.batch = Histogram(
            "sttatts_batch_size", "Requests that ran together", buckets=ROWS, **own
        )
        self.heard = Counter("sttatts_heard_seconds", "Audio that came", **own)
        self.spoken = Counter("sttatts_spoken_seconds", "Audio that was made", **own)

    def request(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request; what has no route has no name."""
        route = scope.get("route")
        path = getattr(route, "path", "other")
        self._requests.labels(path, str(status or "gone")).inc()
        self._seconds.labels(path).observe(seconds)

    def text(self) -> bytes:
        """All counts in Prometheus' form."""
        return generate_latest(self.registry)
