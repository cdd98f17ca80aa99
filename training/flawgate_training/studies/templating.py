"""How the templates of this package are read."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def environment() -> Environment:
    """An environment of the templates beside this file; SVG is escaped, Markdown is not."""
    return Environment(
        loader=PackageLoader("flawgate_training.studies"),
        autoescape=select_autoescape(["svg.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
