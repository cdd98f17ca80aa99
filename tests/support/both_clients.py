"""Both clients, asked alike: what one promises, the other promises too."""

import asyncio
from collections.abc import Callable
from typing import Any

from flawgate_client import AsyncClient, Client

Ask = Callable[..., Any]
"""`ask(url, method, *arguments, **options)`: a call of a client made for it; of a call that gives several, a list.

Options of the client itself are passed as `client={...}`.
"""


def ask_blocking(url: str, method: str, *arguments: Any, client: Any = None, **options: Any) -> Any:
    """By `Client`."""
    with Client(url, **(client or {})) as asked:
        answer = getattr(asked, method)(*arguments, **options)
        return list(answer) if hasattr(answer, "__next__") else answer


def ask_awaiting(url: str, method: str, *arguments: Any, client: Any = None, **options: Any) -> Any:
    """By `AsyncClient`."""

    async def asked() -> Any:
        async with AsyncClient(url, **(client or {})) as asking:
            answer = getattr(asking, method)(*arguments, **options)
            return [item async for item in answer] if hasattr(answer, "__anext__") else await answer

    return asyncio.run(asked())
