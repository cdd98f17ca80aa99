"""Pieces of PromQL that the boards share."""

RATE = "[$__rate_interval]"
SHOWN = "[$__range]"
"""All of the time that the board shows."""


def quantile(share: float, histogram: str, by: str = "", where: str = "") -> str:
    """The value that a share of a histogram's observations do not exceed, by labels, in its unit."""
    group = f"{by}, le" if by else "le"
    return f"histogram_quantile({share:g}, sum by ({group}) (rate({histogram}_bucket{where}{RATE})))"


def per_second(counter: str, by: str, where: str = "") -> str:
    """How often a counter is counted up, by labels, in 1/s."""
    return f"sum by ({by}) (rate({counter}{where}{RATE}))"


def per_minute(counter: str, by: str, where: str = "") -> str:
    """How often a counter is counted up, by labels, in 1/min."""
    return f"60 * {per_second(counter, by, where)}"


def seen(counter: str, by: str, where: str = "") -> str:
    """The same, but only for what was counted up at all within the time that the board shows."""
    return f"{per_minute(counter, by, where)} and {counted(counter, by, where)}"


def counted(counter: str, by: str, where: str = "") -> str:
    """How often a counter was counted up within the time that the board shows, by labels: those that it was at all."""
    return f"round(sum by ({by}) (increase({counter}{where}{SHOWN}))) > 0"


def share(part: str, whole: str) -> str:
    """A part of a whole, 0 to 1; 0 where nothing of the part was ever seen, nothing where the whole is nothing."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def named(vector: str, label: str, name: str) -> str:
    """The same, with a name for what has none in a label."""
    return f'label_replace({vector}, "{label}", "{name}", "{label}", "")'
