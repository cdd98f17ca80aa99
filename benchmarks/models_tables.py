"""What `models.py` shows to people."""

from typing import Any

from rich.table import Table

Row = dict[str, Any]
"""One network's row, as it is written to out/bench/models.json."""

COLUMNS = {
    "ORT fp32": ("onnxruntime", "fp32"),
    "ORT int8": ("onnxruntime", "int8"),
    "OpenVINO fp32": ("openvino", "fp32"),
    "OpenVINO bf16": ("openvino", "bf16"),
    "OpenVINO int8": ("openvino", "int8"),
    "torch": ("torch", "fp32"),
    "compiled": ("torch.compile", "fp32"),
}
"""Headings, with the runtime and precision below each."""


def processor(rows: list[Row], device: str) -> Table:
    """Each network by each runtime on a CPU."""
    table = Table(
        title=f"Networks on {device}",
        caption="Milliseconds for one frame (median) / frames a second in batches of four. Of peak: what the fastest "
        "float32 reaches of a large matrix product's rate in the same rounds.",
    )
    table.add_column("network")
    for heading in ("GMAC", *COLUMNS, "of peak"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        figures = [_figures(row, *column) for column in COLUMNS.values()]
        share = max(cell["share_of_peak"] for cell in row["cells"] if cell["precision"] == "fp32")
        table.add_row(row["network"], f"{row['gmac']:.2f}", *figures, f"{share:.0%}")
    return table


def _figures(row: Row, runtime: str, precision: str) -> str:
    cells = {
        cell["batch"]: cell for cell in row["cells"] if (cell["runtime"], cell["precision"]) == (runtime, precision)
    }
    alone = f"{cells[1]['p50_ms']:.1f}" if 1 in cells else "–"
    return f"{alone} / {cells[4]['frames_per_s']:.1f}" if 4 in cells else alone


def beside_plain(row: Row) -> list[str]:
    """How many times as fast as its plain export a network is, by the clock and by what the cores spend."""
    told = []
    for title, unit in (("by the clock", "p50_ms"), ("by seconds of the cores", "cpu_ms")):
        alone = {(cell["runtime"], cell["precision"]): cell[unit] for cell in row["cells"] if cell["batch"] == 1}
        plain = alone.pop(("plain", "fp32"), None)
        if plain is not None:
            ratios = ", ".join(f"{runtime} {precision} {plain / ms:.2f}" for (runtime, precision), ms in alone.items())
            told.append(f"{row['network']}, {title}: its plain export in ONNX Runtime, {plain:.1f} ms, ÷ {ratios}.")
    return told


def gpu(rows: list[Row], device: str) -> Table:
    """Each network in float32 and float16 on a GPU."""
    table = Table(title=f"Networks in torch on {device}", caption="Milliseconds (median), share of the peak.")
    table.add_column("network")
    for heading in ("batch", "fp32", "fp16", "fp32 ÷ fp16"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = {(cell["batch"], cell["precision"]): cell for cell in row["cells"]}
        for batch in sorted({batch for batch, _ in cells}):
            pair = [cells[batch, precision] for precision in ("fp32", "fp16")]
            shown = [f"{cell['p50_ms']:.2f}, {cell['share_of_peak']:.0%}" for cell in pair]
            table.add_row(row["network"], str(batch), *shown, f"{pair[0]['p50_ms'] / pair[1]['p50_ms']:.2f}")
    return table
