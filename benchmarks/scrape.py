"""Where the time of a frame goes, from the cluster's own metrics."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

from flawgate_cli.local_cluster.layout import Ports

Sums = Mapping[str, float]
"""Metric sample, with its labels, → value."""

# Triton names its counters without `_total`; the parser adds it.
TRITON_PARTS = {
    "queue": "nv_inference_queue_duration_us_total",
    "input": "nv_inference_compute_input_duration_us_total",
    "compute": "nv_inference_compute_infer_duration_us_total",
    "output": "nv_inference_compute_output_duration_us_total",
}


def scrape(ports: Ports) -> Sums:
    """All samples of all services, as they stand now."""
    samples: dict[str, float] = {}
    doors = (ports.gateway_metrics, ports.preprocessing_metrics, ports.decision_metrics, ports.triton_metrics)
    for port in doors:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
                samples[f"{sample.name}{{{labels}}}"] = sample.value
    return samples


def stages(before: Sums, after: Sums, recipe: str) -> dict[str, float]:
    """Mean milliseconds that a frame spent in each stage between two scrapes.

    The stages add up to `end to end`: `hop` is what a call costs beyond the work on its other side.
    """
    frames = _delta(before, after, f"flawgate_inspection_duration_seconds_count{{recipe={recipe}}}")

    def mean_ms(sample: str, scale: float) -> float:
        return _delta(before, after, sample) * scale / frames

    def stage_ms(stage: str) -> float:
        return mean_ms(f"flawgate_stage_duration_seconds_sum{{stage={stage}}}", 1e3)

    end_to_end = mean_ms(f"flawgate_inspection_duration_seconds_sum{{recipe={recipe}}}", 1e3)
    triton = {
        f"triton {part} {role}": mean_ms(f"{metric}{{model={recipe}_{role},version=1}}", 1e-3)
        for role in ("seg", "cls")
        for part, metric in TRITON_PARTS.items()
    }
    return {
        "gateway": end_to_end - stage_ms("preprocess") - stage_ms("decide"),
        "decode": stage_ms("decode"),
        "preprocess steps": stage_ms("steps"),
        "hop to preprocessing": stage_ms("preprocess") - stage_ms("decode") - stage_ms("steps"),
        **triton,
        "hop to Triton, ensemble": stage_ms("infer") - sum(triton.values()),
        "policy and defects": stage_ms("policy"),
        "hop to decision": stage_ms("decide") - stage_ms("infer") - stage_ms("policy"),
        "end to end": end_to_end,
    }


def _delta(before: Sums, after: Sums, sample: str) -> float:
    return after.get(sample, 0.0) - before.get(sample, 0.0)
