"""Many frames at once, their outcomes in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from flawgate_cli.inspecting.sending import Outcome

Item = TypeVar("Item")


def inspect_all(items: Iterable[Item], inspect: Callable[[Item], Outcome], *, concurrency: int) -> Iterator[Outcome]:
    """Inspect `concurrency` items at a time; gives the outcomes in the items' order.

    No more than twice `concurrency` items are taken before their turn, so an endless stream is fine.
    """
    pending: deque[Future[Outcome]] = deque()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="inspect") as executor:
        for item in items:
            pending.append(executor.submit(inspect, item))
            if len(pending) >= 2 * concurrency:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
