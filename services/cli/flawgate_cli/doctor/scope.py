"""What is examined: a cluster of this machine, or one elsewhere, and what its processes tell of themselves."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from flawgate_cli.doctor.holders import Holder, listening
from flawgate_cli.local_cluster.layout import LOOPBACK, Layout, ModelServer
from flawgate_client.connection import Connection
from flawgate_contracts.checkup.findings import Place
from flawgate_contracts.errors import InvalidParameter

ASK_S = 5.0
"""For one answer of a service, in seconds."""
METRICS = ("gateway", "preprocessing", "decision")
DOWN = "The cluster does not run here; `flawgate up` starts it."


@dataclass(frozen=True)
class Scope:
    """What is examined.

    Attributes:
        layout: ports, folders and the model server of the cluster on this machine.
        gateway: URL.
        elsewhere: whether the gateway was named; this machine's ports, files and database are then none of its own.
        api_key: for the gateway; None: none is at hand.
        ca_file: certificates to trust.
        data_dir: of the gateway, where the command names it.
        folders: more folders whose disks need room.
        cameras: URLs of camera agents' metrics.
        ntp: whether to ask about NTP.
        holders: by port of the layout, who listens there now.
    """

    layout: Layout
    gateway: str
    elsewhere: bool = False
    api_key: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    data_dir: Path | None = None
    folders: tuple[Path, ...] = ()
    cameras: tuple[str, ...] = ()
    ntp: bool = False
    holders: Mapping[int, Holder] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether there is a cluster to be asked: elsewhere it should run; here a process of it does."""
        return self.elsewhere or any(holder.service for holder in self.holders.values())

    @property
    def with_triton(self) -> bool:
        """Whether models run in Triton."""
        return self.layout.model_server == "triton"

    @cached_property
    def doors(self) -> dict[str, int]:
        """Ports by their names in the layout, without Triton's where there is none."""
        named = {each.name: int(getattr(self.layout.ports, each.name)) for each in fields(self.layout.ports)}
        return {name: port for name, port in named.items() if self.with_triton or not name.startswith("triton")}

    @cached_property
    def metrics(self) -> dict[str, str]:
        """URLs of `/metrics`, by service."""
        ports = self.layout.ports
        named = {name: int(getattr(ports, f"{name}_metrics")) for name in METRICS}
        if self.with_triton:
            named["triton"] = ports.triton_metrics
        return {name: f"http://{LOOPBACK}:{port}/metrics" for name, port in named.items()}

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Asks the gateway, with the key."""
        with httpx.Client(**_connection(self).http_options()) as client:
            yield client

    def place(self) -> Place:
        """The same, for checks that other packages contribute."""
        environments = {holder.service: holder.environment for holder in self.holders.values() if holder.environment}
        return Place(self.layout.model_repository, self.data_dir, environments)


def look_around(scope: Scope, *, model_server: ModelServer | None, repository: Path | None) -> Scope:
    """See who listens on the ports, and take from running processes what was not named.

    Args:
        scope: as the command says.
        model_server: as the command says; None: as decision says.
        repository: as the command says; None: as decision says.

    Raises:
        InvalidParameter: the gateway's URL, the key or the certificates cannot be used.
    """
    _connection(scope)
    if scope.elsewhere:
        return scope
    holders = listening(scope.doors.values())
    decision = next((holder.environment for holder in holders.values() if holder.service == "decision"), {})
    served: Any = model_server or decision.get("DECISION_MODEL_SERVER", scope.layout.model_server)
    folder = repository or Path(decision.get("DECISION_MODEL_REPOSITORY", scope.layout.model_repository))
    layout = replace(scope.layout, model_server=served, model_repository=folder)
    return replace(scope, layout=layout, holders=holders)


def _connection(scope: Scope) -> Connection:
    try:
        connection = Connection(url=scope.gateway, api_key=scope.api_key, timeout_s=ASK_S, verify=scope.ca_file or True)
        connection.http_options()
    except ValueError as err:
        raise InvalidParameter(str(err)) from err
    return connection
