"""The rows of ``ablation`` to read: a table, and small multiples with a panel a factor."""

import math

from matplotlib.figure import Figure

from ..figures import line, panels
from .tables import with_interval

COLUMNS = 4  # panels side by side
HEAD = (
    f"{'setting':9s} {'factor':16s} {'value':>13s}  {'PSNR':>5s} {'SSIM':>5s} {'dE2000':>6s} "
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
        text = f"{r['setting']:9s} {r['factor']:16s} {shown(r['value']):>13s}{mark(r)} "
        if "delta_e" not in r:
            lines.append(text + "unstable: " + r["why"].partition(":")[2].partition(";")[0].strip())
            continue
        psnr, ssim, delta = (r[k][0] for k in ("psnr", "ssim", "delta_e"))
        text += f"{'' if math.isinf(psnr) else f'{psnr:.2f}':>5s} {ssim:5.3f} {delta:6.2f} "
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


def mark(r: dict) -> str:
    return "*" if r.get("optimum") else "~" if r.get("tied") else " "


def figure(rows: list[dict]) -> Figure:
    """Colour difference with its interval, a panel a factor and a curve a setting; rings mark the
    optima, crosses what is unstable, the grey line is the grey replica."""
    grey, own = rows[0]["delta_e"][0], [r for r in rows if r["factor"]]
    factors = list(dict.fromkeys(r["factor"] for r in own))
    settings = list(dict.fromkeys(r["setting"] for r in own))
    down = math.ceil(len(factors) / COLUMNS)
    fig, axes = panels(down, COLUMNS, 2.6, 2.4, sharey=True)
    for axis, factor in zip(axes.flat, factors, strict=False):
        panel(axis, [r for r in own if r["factor"] == factor], settings)
        axis.axhline(grey, color="0.6", linewidth=1)
        axis.set(title=factor)
    for axis in axes.flat[len(factors) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set(ylabel="dE2000")
    axes.flat[0].legend(fontsize=7)
    return fig


def panel(axis, rows: list[dict], settings: list[str]) -> None:
    """One factor: its values in steps, words in their order."""
    values = list(dict.fromkeys(r["value"] for r in rows))
    ticks = values if isinstance(values[0], str) else sorted(values)
    for k, setting in enumerate(settings):
        style, own = line(k, markers=True), [r for r in rows if r["setting"] == setting]
        if isinstance(values[0], str):
            style["linestyle"] = "none"
        ran = [r for r in own if "delta_e" in r]
        at = [ticks.index(r["value"]) + 0.12 * k for r in ran]
        mean, low, high = zip(*(r["delta_e"] for r in ran), strict=True) if ran else ((), (), ())
        axis.plot(at, mean, label=setting, markersize=4, **style)
        axis.vlines(at, low, high, color=style["color"], linewidth=1)
        best = [(x, r["delta_e"][0]) for x, r in zip(at, ran, strict=True) if r.get("optimum")]
        axis.plot(*zip(*best, strict=True), "o", ms=9, mfc="none", color=style["color"])
        for r in (r for r in own if "delta_e" not in r):
            x = ticks.index(r["value"]) + 0.12 * k
            place = axis.get_xaxis_transform()
            axis.plot([x], [0.95], "x", color=style["color"], transform=place)
    turned = {"rotation": 30, "ha": "right"} if len(ticks) > 4 or ticks == values else {}
    axis.set_xticks(range(len(ticks)), [shown(t) for t in ticks], fontsize=7, **turned)
