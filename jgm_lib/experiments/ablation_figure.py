"""The rows of ``ablation`` to read: a table, and small multiples with a panel a factor."""

import math

from matplotlib.figure import Figure

from ..figures import line, panels
from .tables import with_interval

COLUMNS = 4  # panels side by side
HEAD = (
    f"{'setting':9s} {'factor':17s} {'value':>13s}  {'PSNR':>5s} {'SSIM':>5s} {'dE2000':>6s} "
    f"{'minus the setting, 95 %':>23s} {'colour':>6s} {'overflow':>8s} {'RMS Fx-y':>8s} {'NFE':>5s}"
)
LEGEND = (
    "* least dE2000 of its factor, ~ not told from it (95 %); RMS Fx-y before the last projection"
)


def table(rows: list[dict]) -> str:
    """The rows as text; the last column only for landscapes."""
    toy = "admissible" in rows[0]
    lines = [HEAD + ("  admissible" if toy else "")]
    for r in rows:
        text = f"{r['setting']:9s} {r['factor']:17s} {shown(r['value']):>13s}{mark(r)} "
        if "delta_e" not in r:
            lines.append(text + "unstable: " + r["why"].partition(":")[2].partition(";")[0].strip())
            continue
        psnr, ssim, delta = (r[k][0] for k in ("psnr", "ssim", "delta_e"))
        text += f"{finite(psnr):>5s} {ssim:5.3f} {delta:6.2f} "
        text += f"{with_interval(r.get('minus_base', {}).get('delta_e'), 2, '+'):>23s} "
        over = f"{r['overflow'][0]:+.3f}" if "overflow" in r else ""
        gap = f"{r['luma_gap'][0]:.4f}" if "luma_gap" in r else ""
        text += f"{r['colourfulness'][0]:6.1f} {over:>8s} {gap:>8s} {r.get('nfe', ''):>5}"
        text += f"  {r['admissible'][0]:10.3f}" if toy else ""
        lost = r.get("diverged", 0)
        lines.append(text + (f"  {lost:.0%} diverged" if lost else ""))
    return "\n".join([*lines, LEGEND])


def shown(value) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"


def finite(psnr) -> str:
    """Nothing for equal pictures: infinite, and None in a file."""
    return "" if psnr is None or math.isinf(psnr) else f"{psnr:.2f}"


def mark(r: dict) -> str:
    return "*" if r.get("optimum") else "~" if r.get("tied") else " "


def figure(rows: list[dict]) -> Figure:
    """Colour difference minus the setting's own, with its interval, a panel a factor and a curve a
    setting; rings mark the optima, crosses what is unstable."""
    own = [r for r in rows if r["factor"]]
    factors = list(dict.fromkeys(r["factor"] for r in own))
    level = {r["setting"]: r["delta_e"][0] for r in own if r["base"] and "delta_e" in r}
    down = math.ceil(len(factors) / COLUMNS)
    fig, axes = panels(down, COLUMNS, 2.6, 2.4, sharey=True)
    for axis, factor in zip(axes.flat, factors, strict=False):
        panel(axis, [r for r in own if r["factor"] == factor], level)
        axis.axhline(0, color="0.6", linewidth=1)
        axis.set(title=factor)
    for axis in axes.flat[len(factors) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set(ylabel="dE2000 above the setting's")
    axes.flat[0].legend(fontsize=7)
    return fig


def panel(axis, rows: list[dict], level: dict) -> None:
    """One factor: its values in steps, words in their order. ``level``: setting -> its own colour
    difference, for the legend."""
    values = list(dict.fromkeys(r["value"] for r in rows))
    words = isinstance(values[0], str)
    ticks = values if words else sorted(values)
    for k, (setting, delta) in enumerate(level.items()):
        style = line(k, markers=True) | ({"linestyle": "none"} if words else {})
        own = [(ticks.index(r["value"]) + 0.12 * k, r) for r in rows if r["setting"] == setting]
        curve(axis, own, label=f"{setting} ({delta:.1f})", markersize=4, **style)
    turned = {"rotation": 30, "ha": "right"} if words or len(ticks) > 4 else {}
    axis.set_xticks(range(len(ticks)), [shown(t) for t in ticks], fontsize=7, **turned)


def curve(axis, own: list[tuple[float, dict]], **style) -> None:
    """One setting in a panel: the place on the axis and the row of each value."""
    color, top = style["color"], axis.get_xaxis_transform()
    ran = [(at, above(r), r) for at, r in own if "delta_e" in r]
    axis.plot([at for at, *_ in ran], [mean for _, (mean, *_), _ in ran], **style)
    for at, (mean, low, high), r in ran:
        axis.vlines(at, low, high, color=color, linewidth=1)
        if r.get("optimum"):
            axis.plot([at], [mean], "o", ms=9, mfc="none", color=color)
    for at in (at for at, r in own if "delta_e" not in r):
        axis.plot([at], [0.95], "x", color=color, transform=top)


def above(r: dict) -> list[float]:
    """The row's colour difference minus its setting's: [mean, low, high]."""
    return r.get("minus_base", {}).get("delta_e", [0.0, 0.0, 0.0])
