import pytest
from support.manifests import Manifest, of_kind

from flawgate_gateway.rpc.server import SERVICE_NAME

KINDS = pytest.mark.parametrize(("kind", "door"), [("HTTPRoute", "http"), ("GRPCRoute", "grpc")])


def route(kind: str) -> Manifest:
    """The one route of a kind."""
    (only,) = of_kind("plant", kind).values()
    found: Manifest = only["spec"]
    return found


def listeners() -> dict[str, Manifest]:
    """The doors at the cluster's edge, by name."""
    (edge,) = of_kind("plant", "Gateway").values()
    return {each["name"]: each for each in edge["spec"]["listeners"]}


def test_every_listener_has_tls() -> None:
    """Nobody sends an API key in the clear: TLS ends at the edge, with the certificate of the one Secret."""
    for listener in listeners().values():
        assert listener["protocol"] == "HTTPS"
        assert listener["tls"] == {"mode": "Terminate", "certificateRefs": [{"name": "gateway-tls"}]}


@KINDS
def test_a_route_leads_from_its_listener_to_its_door(kind: str, door: str) -> None:
    """REST and gRPC come in under a name each, and go to the gateway's port for them, and to no other."""
    spec = route(kind)
    (parent,) = spec["parentRefs"]
    (rule,) = spec["rules"]
    (backend,) = rule["backendRefs"]
    ports = {each["name"]: each["port"] for each in of_kind("plant", "Service")["gateway"]["spec"]["ports"]}
    assert parent["name"] in of_kind("plant", "Gateway")
    assert spec["hostnames"] == [listeners()[parent["sectionName"]]["hostname"]]
    assert backend == {"name": "gateway", "port": ports[door]}


def test_inspections_alone_come_in_over_grpc() -> None:
    """Health and reflection stay inside."""
    (rule,) = route("GRPCRoute")["rules"]
    assert rule["matches"] == [{"method": {"service": SERVICE_NAME}}]


def test_event_streams_are_not_cut() -> None:
    """A stream of a station's events stays open for as long as somebody looks."""
    (rule,) = route("HTTPRoute")["rules"]
    assert rule["timeouts"] == {"request": "0s"}
