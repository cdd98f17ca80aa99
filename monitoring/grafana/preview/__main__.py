"""Renders all boards, or those that are named."""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from monitoring.grafana.preview.asking import SCRAPE_INTERVAL_S, Prometheus, Span
from monitoring.grafana.preview.page import WIDTH, page

BOARDS = Path(__file__).parents[1] / "dashboards"


def picture(html: Path, height: int) -> None:
    """A picture of a page beside it, where Chromium is installed."""
    browser = shutil.which("chromium")
    if browser is None:
        return
    command = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{height}"]
    target = html.with_suffix(".png").resolve()
    subprocess.run(  # noqa: S603  # our own page
        [*command, f"--screenshot={target}", html.resolve().as_uri()], check=True, capture_output=True
    )


def main() -> None:
    """See the package."""
    parser = argparse.ArgumentParser(description="Pictures of the boards, without a Grafana.")
    parser.add_argument("boards", nargs="*", help="Names of boards; all of them if absent.")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="Its URL.")
    parser.add_argument("--out", type=Path, default=Path("out/boards"), help="Folder of the pages and pictures.")
    parser.add_argument("--minutes", type=float, default=60.0, help="The time shown, until now.")
    parser.add_argument("--scrape-interval", type=float, default=SCRAPE_INTERVAL_S, help="Of Prometheus, in seconds.")
    parser.add_argument("--pages-only", action="store_true", help="Take no pictures.")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    prometheus = Prometheus(arguments.prometheus, arguments.scrape_interval)
    for path in sorted(BOARDS.glob("*.json")):
        if not arguments.boards or path.stem in arguments.boards:
            html = arguments.out / f"{path.stem}.html"
            text, height, empty = page(json.loads(path.read_text()), prometheus, Span.last(60 * arguments.minutes))
            html.write_text(text)
            if not arguments.pages_only:
                picture(html, height)
            sys.stdout.write("".join(f"{path.stem}: {query}\n" for query in empty))


if __name__ == "__main__":
    main()
