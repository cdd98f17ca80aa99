"""Asking all services for their metrics at once."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from flawgate_cli.local_cluster.layout import Ports
from flawgate_cli.scraping import NoMetrics, Samples, scrape

ANSWER_S = 2.0
"""For one answer, in seconds: a service that hangs must not stop the view."""
WANTED = (
    *("flawgate_", "process_", "nv_inference_request_success", "nv_inference_pending_request_count"),
    *("nv_inference_queue_duration_us", "nv_inference_compute_infer_duration_us", "nv_inference_request_failure"),
    *("nv_gpu_utilization", "nv_gpu_memory_used_bytes", "nv_gpu_memory_total_bytes"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """What all services said at one moment.

    Attributes:
        at: monotonic clock, seconds.
        services: by name: the samples, or what it does instead of answering.
    """

    at: float
    services: Mapping[str, Samples | str]


def urls(host: str, ports: Ports, cameras: Sequence[str]) -> dict[str, str]:
    """Where metrics are, by the name of the service; camera agents by their URL.

    Args:
        host: of the cluster's services.
        ports: of them.
        cameras: URLs of agents, with or without `/metrics`.
    """
    named = {
        "gateway": ports.gateway_metrics,
        "preprocessing": ports.preprocessing_metrics,
        "decision": ports.decision_metrics,
        "triton": ports.triton_metrics,
    }
    machine = f"[{host}]" if ":" in host else host
    services = {name: f"http://{machine}:{port}/metrics" for name, port in named.items()}
    agents = (url.rstrip("/").removesuffix("/metrics") for url in cameras)
    return {**services, **{url: f"{url}/metrics" for url in agents}}


class Poller:
    """Asks all services side by side. Close it at the end.

    Args:
        urls: by the name of the service.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        self._client = httpx.Client(timeout=ANSWER_S, trust_env=False)
        self._executor = ThreadPoolExecutor(len(urls), thread_name_prefix="look")

    def look(self) -> Look:
        """Ask once."""
        at = time.monotonic()
        answers = self._executor.map(self._ask, self._urls.values())
        return Look(at, dict(zip(self._urls, answers, strict=True)))

    def close(self) -> None:
        """Let go of the connections."""
        self._executor.shutdown()
        self._client.close()

    def _ask(self, url: str) -> Samples | str:
        try:
            return scrape(self._client, url, WANTED)
        except NoMetrics as err:
            return str(err)
