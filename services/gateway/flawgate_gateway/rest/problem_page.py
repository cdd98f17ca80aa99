"""docs/problems.md, written from the error tree: `python -m flawgate_gateway.rest.problem_page > docs/problems.md`."""

import sys
from collections.abc import Iterator

from flawgate_gateway.rest.problem_types import ProblemType, answered_classes, problem_types

SHOWN = "INVALID_PARAMETER"
HEAD = """# What the gateway says no with

Written from the error tree (`python -m flawgate_gateway.rest.problem_page > docs/problems.md`); a test holds it equal.

Every error of the REST API is an `application/problem+json` (RFC 9457). Its `type` is a page of the gateway,
`GET /problems/CODE`, that says what stands here. A program branches on `code`, which never changes; over gRPC it is the
`reason` of `google.rpc.ErrorInfo`. `retryable` says whether the same request may succeed later: send it again after
`Retry-After` seconds, with the same `Idempotency-Key`. **A part whose request failed was not inspected.**

HTTP's own errors, such as a path that is none (404) or a method that a path does not have (405), have the `type`
`about:blank`.
"""


def page() -> str:
    """The page, Markdown."""
    heard = {cls.reason for cls in answered_classes()}
    answered = [problem for problem in problem_types() if problem.code in heard]
    rest = [problem for problem in problem_types() if problem.code not in heard]
    lines = [HEAD, _example(SHOWN), *_table(answered), *_sections(answered), "## Not said by the gateway\n"]
    lines.append("Of training, export and promotion on the command line, and of callers who went away.\n")
    return "\n".join([*lines, *_table(rest, linked=False)])


def _table(problems: list[ProblemType], *, linked: bool = True) -> Iterator[str]:
    yield "| code | status | retry | meaning |"
    yield "|---|---|---|---|"
    for problem in problems:
        code = f"[`{problem.code}`](#{problem.code.lower()})" if linked else f"`{problem.code}`"
        retry = "yes" if problem.retryable else "no"
        yield f"| {code} | {problem.status} | {retry} | {problem.meaning} |"
    yield ""


def _sections(problems: list[ProblemType]) -> Iterator[str]:
    for problem in problems:
        yield f"## {problem.code}\n"
        yield f"{problem.status} {problem.title}. {problem.meaning}\n"
        yield f"> {problem.example.detail}\n"


def _example(code: str) -> str:
    (problem,) = (problem for problem in problem_types() if problem.code == code)
    return f"```json\n{problem.example.model_dump_json(indent=2, exclude_none=True)}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(page())
