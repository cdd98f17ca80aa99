"""A plant of several hosts: two of each service, one of the database, each in a network namespace of its own."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from support.mes_load import Mes, Sent
from support.name_server import name_server
from support.netns import Host, Lan, environment, lan
from support.postgres import PostgresServer, postgres_server
from support.tiny_repository import write_spot

PROBED = {
    "preprocessing": "127.0.0.1:8082",
    "decision": "127.0.0.1:8083",
    "gateway": "http://127.0.0.1:8080/readyz",
}
"""Each service, and where it says whether it is ready."""
RECORDED = "SELECT part, id, evaluation FROM inspections"
STREAMED = "SELECT sequence FROM inspections WHERE stream_id IS NOT NULL"
START_S, END_S = 120.0, 30.0
DRAIN_S = 1.0


class Service:
    """A service on its host, which can be killed, stopped and started again."""

    def __init__(self, host: Host, service: str, settings: Mapping[str, object], log: Path) -> None:
        self.host = host
        self._command = host.command(sys.executable, "-m", f"flawgate_{service}")
        self._probed = PROBED[service]
        self._environment = environment(settings)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start its process."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, as Kubernetes does; waits for the end."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
        self._process = None

    def is_ready(self) -> bool:
        """Whether it says so, asked on its own host as Kubernetes does."""
        command = self.host.command(sys.executable, "-m", "flawgate_contracts.probe", self._probed)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def freeze(self) -> None:
        """It hangs: connections stand, nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def said(self) -> str:
        """The end of its log."""
        return self._log.read_text("utf-8")[-4000:] if self._log.exists() else ""


class Plant:
    """All hosts. A service is called as its host: `decision1`."""

    def __init__(self, network: Lan, folder: Path, database: PostgresServer) -> None:
        self.mes = network.host("mes")
        self.database_host = network.hosts["database"]
        self.folder = folder
        self.database = database
        self.records_url = database.new_database()
        self.services = {
            f"{service}{number}": self._service(network.host(f"{service}{number}"), service)
            for service in PROBED
            for number in (1, 2)
        }

    def addresses(self) -> dict[str, list[str]]:
        """What the name server says: all hosts of a service under its name."""
        return {name: [self.services[f"{name}{number}"].host.address for number in (1, 2)] for name in PROBED}

    def _service(self, host: Host, service: str) -> Service:
        given = {f"{service.upper()}_{name}": value for name, value in self._settings(service).items()}
        return Service(host, service, given, self.folder / f"{host.name}.log")

    def _settings(self, service: str) -> dict[str, object]:
        shared = {"HOST": "0.0.0.0", "DRAIN_S": DRAIN_S, "GRACE_S": 10}  # noqa: S104  # of its own namespace
        own: dict[str, dict[str, object]] = {
            "preprocessing": {"THREADS": 1},
            "decision": {
                "MODEL_SERVER": "onnxruntime",
                "MODEL_REPOSITORY": self.folder / "models",
                "THREADS": 1,
            },
            "gateway": {
                "ACCESS": "off-for-development",
                "ACCESS_OFF_BEYOND_LOOPBACK": "true",
                "PREPROCESSING_TARGET": "preprocessing:8082",
                "DECISION_TARGET": "dns:///decision:8083",
                "TRITON_HTTP_URL": "",
                "DATABASE_URL": self.records_url,
                "ARCHIVE_URL": self.folder / "pictures",
                "DATA_DIR": self.folder / "data",
            },
        }
        return {**shared, **own[service]}

    def start(self) -> None:
        """Start all services."""
        for service in self.services.values():
            service.start()

    def kill(self) -> None:
        """End all that runs."""
        for service in self.services.values():
            service.kill()

    def wait_until_ready(self) -> None:
        """Wait until each service says that it is."""
        end = time.monotonic() + START_S
        for service in self.services.values():
            while not service.is_ready():
                assert time.monotonic() < end, self.said()

    def gateways(self) -> list[str]:
        """URLs of the REST doors."""
        return [f"http://{self.services[f'gateway{number}'].host.address}:8080" for number in (1, 2)]

    def new_mes(self) -> Mes:
        """An MES on a host of its own."""
        return Mes(self.mes.namespace, self.gateways())

    @contextmanager
    def running_camera(self, file: Path) -> Iterator[None]:
        """A camera agent on the host of the MES, by its file."""
        command = self.mes.command(str(Path(sys.executable).with_name("flawgate")), "camera", "run", str(file))
        with (self.folder / "camera.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def assert_on_record(self, sent: Sequence[Sent]) -> None:
        """Each frame was recorded once, as its sender was told, and none is better than its part."""
        rows = asyncio.run(self._asked(RECORDED))
        found = {part: (str(identity), evaluation) for part, identity, evaluation in rows}
        times = Counter(part for part, *_ in rows)
        assert {each.part: times[each.part] for each in sent} == {each.part: 1 for each in sent}
        told = {each.part: (each.answer["inspection_id"], each.answer["evaluation"]) for each in sent if each.answer}
        assert {part: found[part] for part in told} == told
        assert [each.part for each in sent if found[each.part][1] not in {each.expected, "NOT_DECIDABLE"}] == []

    def streamed(self) -> list[int]:
        """Numbers of the frames of cameras' streams that are on record."""
        return sorted(number for (number,) in asyncio.run(self._asked(STREAMED)))

    async def _asked(self, query: str) -> Sequence[Any]:
        """Rows of a query, over a socket of the file system, which no cable carries."""
        name = self.records_url.rsplit("/", 1)[1]
        url = f"postgresql+asyncpg://flawgate@/{name}?host={self.database.folder}&port={self.database.port}"
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return (await connection.execute(text(query))).all()
        finally:
            await engine.dispose()

    def said(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"== {name}\n{service.said()}" for name, service in self.services.items())


@contextmanager
def plant(folder: Path) -> Iterator[Plant]:
    """A plant whose services have been started; all of it is gone after the block."""
    write_spot(folder / "models")
    with ExitStack() as stack:
        network = stack.enter_context(lan())
        host = network.host("database")
        database = stack.enter_context(postgres_server(address=host.address, host=host.command()))
        made = Plant(network, folder, database)
        stack.enter_context(name_server(network.switch, made.addresses()))
        stack.callback(made.kill)
        made.start()
        yield made
