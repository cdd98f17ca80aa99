"""The board of Triton and its GPU: Triton's own metrics beside what the decision service sees of it."""

from monitoring.grafana.boards.board import Board, Row, Variable
from monitoring.grafana.boards.kinds import Graph, Timeline
from monitoring.grafana.boards.panels import Query
from monitoring.grafana.boards.promql import RATE, per_second, quantile, seen
from monitoring.grafana.boards.style import States, above

WHERE = '{model=~"$model"}'
SUCCESS = f"(sum by (model) (rate(nv_inference_request_success{WHERE}{RATE})) > 0)"


def _mean_seconds(counter_us: str) -> str:
    """Mean of a counter of microseconds, by request that succeeded, in seconds."""
    return f"sum by (model) (rate({counter_us}{WHERE}{RATE})) / {SUCCESS} / 1e6"


SEEN = Row(
    "As the decision service sees it",
    [
        Timeline(
            title="Does the model server answer?",
            description="Red: no verdict for any part. Look whether Triton runs, then at its log.",
            queries=[
                Query(expr="min(flawgate_model_server_up)", legend="decision reaches the model server"),
                Query(expr='min(up{job="triton"})', legend="Prometheus reaches Triton"),
            ],
            states=States("answers", "does not"),
            alerts=["FlawgateModelServerDown"],
            width=8,
        ),
        Graph(
            title="How many requests does it answer, and how?",
            description="By code, all models. Anything but OK is a frame without a verdict: the code is the error's "
            "reason, `docs/problems.md`.",
            queries=[Query(expr=seen("flawgate_triton_requests_total", "code", WHERE), legend="{{code}}")],
            unit="suffix:/min",
            stacked=True,
            colours={"OK": "green", "/^[^O]/": "red"},
            width=8,
        ),
        Graph(
            title="How long does a request take, with the way there?",
            description="Percentile 95 by model. Much more than Triton's own times below: the way to Triton, or large "
            "tensors.",
            queries=[
                Query(
                    expr=quantile(0.95, "flawgate_triton_request_duration_seconds", "model", WHERE), legend="{{model}}"
                )
            ],
            unit="s",
            width=8,
        ),
    ],
)

INSIDE = Row(
    "Inside Triton",
    [
        Graph(
            title="How long do requests wait in Triton's queue?",
            description="Mean by model. As much as the compute below: the GPU is full. Fewer recipes on it, a smaller "
            "model, or FP16 plans (`docs/tensorrt.md`).",
            queries=[Query(expr=_mean_seconds("nv_inference_queue_duration_us"), legend="{{model}}")],
            unit="s",
            thresholds=above(0.25),
            alerts=["FlawgateTritonQueueLong"],
        ),
        Graph(
            title="How many requests wait?",
            description="By model, as of each scrape.",
            queries=[Query(expr=f"sum by (model) (nv_inference_pending_request_count{WHERE})", legend="{{model}}")],
            decimals=0,
            alerts=["FlawgateTritonQueueLong"],
        ),
        Graph(
            title="How long does each model compute?",
            description="Mean by model, without the queue. A step up without a new version: another program on the "
            "GPU, or a GPU that throttles.",
            queries=[Query(expr=_mean_seconds("nv_inference_compute_infer_duration_us"), legend="{{model}}")],
            unit="s",
        ),
        Graph(
            title="How many frames share one execution?",
            description="Inferences by execution: 1 is no batching. More under load is what dynamic batching is for.",
            queries=[
                Query(
                    expr=f"sum by (model) (rate(nv_inference_count{WHERE}{RATE})) / "
                    f"(sum by (model) (rate(nv_inference_exec_count{WHERE}{RATE})) > 0)",
                    legend="{{model}}",
                )
            ],
            decimals=1,
        ),
        Graph(
            title="How many inferences a second does each model do?",
            description="By model. An ensemble counts once, and each model in it once more.",
            queries=[Query(expr=per_second("nv_inference_request_success", "model", WHERE), legend="{{model}}")],
            unit="reqps",
        ),
        Graph(
            title="Which requests does Triton refuse or fail?",
            description="By model. Read Triton's log for the words.",
            queries=[
                Query(
                    expr=seen("nv_inference_request_failure", "model, reason", WHERE),
                    legend="{{model}}: {{reason}}",
                )
            ],
            nothing="none",
            unit="suffix:/min",
        ),
    ],
)

HARDWARE = Row(
    "The GPU, and Triton's machine",
    [
        Graph(
            title="How busy is the GPU?",
            nothing="Triton sees no GPU",
            description="Share of the time in which it computes. Near 1 for long, with a queue above: it is full.",
            queries=[Query(expr="avg by (gpu_uuid) (nv_gpu_utilization)", legend="{{gpu_uuid}}")],
            unit="percentunit",
            maximum=1,
            width=8,
        ),
        Graph(
            title="How full is the GPU's memory?",
            nothing="Triton sees no GPU",
            description="Above 0.95 the next model to be loaded fails. Remove old versions: `flawgate models prune`.",
            queries=[
                Query(
                    expr="max by (gpu_uuid) (nv_gpu_memory_used_bytes / nv_gpu_memory_total_bytes)",
                    legend="{{gpu_uuid}}",
                )
            ],
            unit="percentunit",
            maximum=1,
            thresholds=above(0.95, warning=0.9),
            alerts=["FlawgateGpuMemoryHigh"],
            width=8,
        ),
        Graph(
            title="How much power does the GPU draw?",
            nothing="Triton sees no GPU",
            description="At its limit for long it throttles, and each inference takes longer.",
            queries=[
                Query(expr="max by (gpu_uuid) (nv_gpu_power_usage)", legend="{{gpu_uuid}}"),
                Query(expr="max by (gpu_uuid) (nv_gpu_power_limit)", legend="{{gpu_uuid}}: limit"),
            ],
            unit="watt",
            width=8,
        ),
        Graph(
            title="How busy are the CPUs of Triton's machine?",
            description="Of the whole machine, not of Triton alone. Near 1: whatever runs there waits for its turn.",
            queries=[Query(expr="avg by (instance) (nv_cpu_utilization)", legend="{{instance}}")],
            unit="percentunit",
            maximum=1,
            thresholds=above(0.95, lines=True),
        ),
        Graph(
            title="How full is the memory of Triton's machine?",
            description="Of the whole machine. Near 1 the system ends processes.",
            queries=[
                Query(
                    expr="max by (instance) (nv_cpu_memory_used_bytes / nv_cpu_memory_total_bytes)",
                    legend="{{instance}}",
                )
            ],
            unit="percentunit",
            maximum=1,
            thresholds=above(0.95, lines=True),
        ),
    ],
)

BOARD = Board(
    name="triton",
    title="Triton and GPU",
    description="Do the models answer, how long do they take, and is the GPU full?",
    variables=[Variable("model", "nv_inference_request_success")],
    rows=[SEEN, INSIDE, HARDWARE],
)
