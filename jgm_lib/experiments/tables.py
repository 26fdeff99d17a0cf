"""Rows of numbers: their intervals, as Markdown, and as files that tell how they came about."""

import json
import math
import platform

import numpy as np
import torch

from .. import __version__, metrics
from ..errors import JGMError
from ..files import write_text

HEAD = (
    ("method", "column", "n", "PSNR dB (95 %)", "SSIM", "ΔE00 (95 %)", "colourfulness"),
    ("RMS Fx-y", "NFE", "s a picture"),
)


def summary(scores: dict) -> dict:
    """Means and bootstrap 95 % intervals of every metric (n,), as plain numbers."""
    return {
        k: (v if isinstance(v, int) else float(v))
        for k, v in metrics.summarize({k: np.asarray(v) for k, v in scores.items()}).items()
    }


# -- Markdown ----------------------------------------------------------------------------------


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table; differences have columns where a row has them."""
    paired = paired_names(rows)
    names = [*HEAD[0], *(f"{m} - {name}" for name in paired.values() for m in ("PSNR", "ΔE00"))]
    names += HEAD[1]
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *(line(r, list(paired)) for r in rows)]) + "\n"


def paired_names(rows: list[dict]) -> dict[str, str]:
    """What the rows are compared with: the field of the differences -> the method's name."""
    names = {"to_grey": "grey"} if any("to_grey" in r for r in rows) else {}
    against = [r["against"]["method"] for r in rows if "against" in r]
    return names | ({"against": against[0]} if against else {})


def line(r: dict, paired: list[str]) -> str:
    """One row, with the differences of the fields ``paired``."""

    def span(k, digits):
        return f"{r[k]:.{digits}f} ({r[k + '_low']:.{digits}f}-{r[k + '_high']:.{digits}f})"

    cells = [r["method"], r["column"], r["n"], span("psnr", 2), f"{r['ssim']:.4f}"]
    cells += [span("delta_e", 2), f"{r['colourfulness']:.1f}"]
    for name in paired:
        found = r.get(name, {})
        cells += [with_interval(found.get(m), 2, "+") for m in ("psnr", "delta_e")]
    cells += [f"{r['residual']:.1e}", r["nfe"] or "", r["seconds"] or ""]
    return f"| {' | '.join(map(str, cells))} |"


def with_interval(three, digits: int, sign: str = "") -> str:
    """A mean with its interval, [mean, low, high]; nothing for None."""
    if three is None:
        return ""
    mean, low, high = (
        "∞" if v is None or math.isinf(v) else f"{v:{sign}.{digits}f}" for v in three
    )
    return f"{mean} ({low} to {high})"


# -- files -------------------------------------------------------------------------------------


def plain(value):
    """Numbers of Python alone; None for what JSON cannot say (infinite, not a number)."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def versions() -> dict:
    """The software and the number of threads that numbers came from."""
    return {
        "jgm_lib": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "threads": torch.get_num_threads(),
    }


def write_json(path, rows: list[dict], **about) -> None:
    """The rows and how they came about, whole or not at all. Raises JGMError."""
    text = json.dumps({**about, "rows": plain(rows)}, indent=1, allow_nan=False)
    write_text(path, text + "\n")


def check_same_pictures(found: dict, first: dict, path) -> None:
    """Two files of rows may stand in one table only if they are of the same pictures: JGMError
    naming ``path``, the file of ``found``."""
    if found.get("keys") != first.get("keys"):
        raise JGMError(f"{path}: measured on other pictures than the first file; evaluate again")
