"""Panels that several boards show: what runs, and what it stands on."""

from monitoring.grafana.boards.kinds import Timeline
from monitoring.grafana.boards.panels import Query
from monitoring.grafana.boards.style import States

SERVICES = Timeline(
    title="Which services does Prometheus reach?",
    description="Red: nothing is known of it while that lasts. Is the process there (`flawgate doctor`), and does its "
    "port answer?",
    queries=[Query(expr="min by (job, instance) (up)", legend="{{job}} {{instance}}")],
    states=States("reached", "not reached"),
    alerts=["FlawgateServiceDown"],
)
DEPENDENCIES = Timeline(
    title="What does the gateway stand on, and is it there?",
    description="Red: the gateway cannot use it, and answers inspections with 503 until it can: what could not be "
    "recorded, with its pictures, is not answered as inspected. Cameras keep their frames on disk "
    "meanwhile.",
    queries=[Query(expr="min by (dependency) (flawgate_dependency_up)", legend="{{dependency}}")],
    states=States("there", "away"),
    alerts=["FlawgateRecordsDown", "FlawgateArchiveFailing"],
)
