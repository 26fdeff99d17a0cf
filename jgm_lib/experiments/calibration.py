"""How edge overflow answers to known damage: the truth with its chroma blurred or shifted."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from ..data.toy import ToyScenes
from ..errors import JGMError
from ..figures import line, panels
from ..overflow import blurred, edge_overflow, shifted
from .cards import CalibrationCard
from .overflowing import excess, mean_excess
from .sources import Pictures

DAMAGE = {"blurred": blurred, "shifted": shifted}
TOY_SIZE, FIRST = 32, 6 * 10**6  # landscapes that no training and no lesson shows


def measure(card: CalibrationCard, data=None) -> tuple[list[dict], dict]:
    """The rows, and what they were measured on. ``data``: a folder or packed set; None for the
    package photographs and ToyScenes. Raises JGMError."""
    sources = sources_of(card, data)
    rows = [row for name, p in sources.items() for row in rows_of(name, p, card)]
    return rows, {"sources": {name: p.about() for name, p in sources.items()}}


def sources_of(card: CalibrationCard, data=None) -> dict[str, Pictures]:
    """The pictures by the name of their source. Raises JGMError for none, or only grey ones."""
    if data is not None:
        pictures = Pictures.of(data, card.size, card.pictures)
        if np.isnan(excess(pictures.truth, pictures)).all():
            raise JGMError(f"{data}: no picture there has an edge of colour; need one at least")
        return {"folder": pictures}
    scenes = ToyScenes(TOY_SIZE).sample(card.pictures, FIRST + card.seed)
    return {
        "package photographs": Pictures.of_samples(card.size),
        "ToyScenes": Pictures.of_truth(scenes.images),
    }


def rows_of(name: str, pictures: Pictures, card: CalibrationCard) -> Iterator[dict]:
    """A row an amount of each damage, first of none. "grew": share of the pictures of more
    overflow than at the amount before."""
    for damage, spoil in DAMAGE.items():
        before = None
        for pixels in [0, *sorted(card.amounts)]:
            x = spoil(pictures.truth.double(), pixels) if pixels else pictures.truth
            more = excess(x, pictures)
            known = ~np.isnan(more)
            row = {"source": name, "damage": damage, "pixels": pixels}
            row |= mean_excess(more, card.seed)
            row["share"] = float(edge_overflow(x, pictures.y)[known].mean())
            row["grew"] = None if before is None else float((more > before)[known].mean())
            before = more
            yield row


def table(rows: list[dict]) -> str:
    """The rows as text."""
    head = f"{'source':20s} {'damage':9s} {'pixels':>6s} {'share':>6s} {'above the truth':>24s}"
    lines = [head + f" {'grew':>5s} {'n':>4s}"]
    for r in rows:
        mean, low, high = r["overflow"]
        span, grew = f"{mean:.3f} ({low:.3f} to {high:.3f})", r["grew"]
        text = f"{r['source']:20s} {r['damage']:9s} {r['pixels']:6d} {r['share']:6.3f} {span:>24s}"
        lines.append(text + f" {'' if grew is None else f'{grew:.2f}':>5s} {r['overflow_n']:4d}")
    return "\n".join(lines)


def figure(rows: list[dict]) -> Figure:
    """Overflow above the truth's against the amount of damage, a curve a source."""
    fig, axes = panels(1, len(DAMAGE), 3.4, 2.8, sharey=True)
    for axis, damage in zip(axes, DAMAGE, strict=True):
        for k, source in enumerate(dict.fromkeys(r["source"] for r in rows)):
            own = [r for r in rows if (r["source"], r["damage"]) == (source, damage)]
            mean, low, high = np.transpose([r["overflow"] for r in own])
            bars = np.abs([mean - low, high - mean])
            at = [r["pixels"] for r in own]
            axis.errorbar(at, mean, yerr=bars, capsize=3, label=source, **line(k, markers=True))
        axis.set(xlabel=f"chroma {damage}, pixels", title=damage)
    axes[0].set(ylabel="edge overflow above the truth's")
    axes[0].legend(fontsize=8)
    return fig
