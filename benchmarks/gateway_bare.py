"""The barest door to a model, as a yardstick: an upload endpoint of FastAPI that forwards the pixels to Triton.

python benchmarks/gateway_bare.py PORT TRITON_HTTP_PORT MODEL CHANNELS HEIGHT WIDTH
"""

import json
import sys
from typing import Annotated, Any

import httpx
import uvicorn
from fastapi import FastAPI, File, UploadFile


def create_app(triton_port: int, model: str, shape: tuple[int, ...]) -> FastAPI:
    """One route: raw pixels in a form, the model's answer as JSON."""
    app = FastAPI()
    triton = httpx.AsyncClient(base_url=f"http://127.0.0.1:{triton_port}", timeout=60, trust_env=False)

    @app.post("/v1/inspections", status_code=201)
    async def inspect(file: Annotated[UploadFile, File()]) -> Any:
        pixels = await file.read()
        tensor = {"name": "frame", "datatype": "UINT8", "shape": [1, *shape]}
        head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(pixels)}}]}).encode()
        headers = {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}
        answer = await triton.post(f"/v2/models/{model}/infer", content=head + pixels, headers=headers)
        return answer.raise_for_status().json()["outputs"]

    return app


if __name__ == "__main__":
    port, triton_port, model, *shape = sys.argv[1:]
    app = create_app(int(triton_port), model, tuple(int(side) for side in shape))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)
