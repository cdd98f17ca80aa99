from pathlib import Path
from typing import Any

from support.api_keys import KeyMaker
from support.gateway_cluster import running_gateway
from support.pictures import spot_png

from flawgate_gateway.access.caller import Scope


def test_a_batch_needs_the_scope_to_inspect(tmp_path: Path) -> None:
    """As one frame does: 401 without a key, 403 with one that may only read, 200 with the scope."""
    keys = KeyMaker(f"sqlite:///{tmp_path}/records.db")
    request: dict[str, Any] = {"data": {"recipe": "spot"}, "files": [("file", spot_png(255))]}
    with running_gateway(access="keys", database_url=keys.url) as cluster, cluster.client() as client:
        sent = [{}, keys.headers(Scope.READ), keys.headers(Scope.INSPECT)]
        answers = [client.post("/v1/inspections:batch", headers=headers, **request) for headers in sent]
    assert [answer.status_code for answer in answers] == [401, 403, 200]
