from pathlib import Path

import grpc
import pytest
from support.captured import capture
from support.certificates import CertificateAuthority
from support.scripted_stream import ScriptedStream, serving
from support.streamed import drained, streaming, until

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.every import EveryDelivery


@pytest.mark.parametrize("tls_name", ["gateway.factory", None])
async def test_a_certificate_may_name_another_host_than_the_target(tmp_path: Path, tls_name: str | None) -> None:
    """With the name it is believed, and frames are answered; without, the stream does not come to stand."""
    authority = CertificateAuthority(tmp_path)
    certificate, key = authority.issue("gateway", host="gateway.factory")
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    delivery = EveryDelivery(5)
    async with serving(ScriptedStream(), credentials=credentials) as target:
        gateway = Gateway(target=target, ca_file=authority.file, tls_name=tls_name)
        async with streaming(gateway, delivery) as (streamer, told):
            capture(delivery, 1)
            if tls_name:
                await drained(delivery)
            else:
                await until(lambda: streamer.state.reason is not None)
            assert len(told.outcomes) == (1 if tls_name else 0)
