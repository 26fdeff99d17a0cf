"""Lesson 10: one photograph under several grays, the film between, and the user's own folder."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from jgm_lib.data import samples
from jgm_lib.data.film import FILMS, film_weights, tone_curve
from jgm_lib.errors import JGMError
from jgm_lib.photo import Photo, read_photo

RESULTS = Path(__file__).parents[3] / "docs" / "results"
SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}
LOOKS = (("#0072B2", "-"), ("#D55E00", "--"), ("#000000", ":"))


def colour_tensor(name: str) -> torch.Tensor:
    """A package photograph as (1,3,H,W) in [0,1]. Raises JGMError for a grey one."""
    if samples.info(name).grey:
        raise JGMError(f"photo={name!r} is grey; choose {', '.join(samples.names(grey=False))}")
    rgb = np.ascontiguousarray(read_photo(samples.load(name)).rgb(), np.float32)
    return torch.from_numpy(rgb).permute(2, 0, 1)[None]


def colorize(colorizer, y: torch.Tensor, assumed: str, card):
    """Colour a grey picture y (1,1,H,W) as if it had been made by F = ``assumed``."""
    photo = Photo.from_array(y[0, 0].clamp(0, 1).numpy(), name="grey")
    return colorizer.colorize(
        photo, n=card.n, seed=card.seed, gray=assumed, steps=card.steps, solver="multistep"
    )


def text_table(rows: dict) -> str:
    lines = [f"{'the grey was':24s} {'replica':>8s} {'assumed mean':>13s} {'assumed BT.601':>15s}"]
    for name, (replica, mean, bt601) in rows.items():
        lines.append(f"{name:24s} {replica:8.1f} {mean:13.1f} {bt601:15.1f}")
    return "\n".join(lines)


def thumbnail(image, height: int = 150) -> Image.Image:
    """A PIL picture or a tensor (1,C,H,W) at a small height, for a figure."""
    if isinstance(image, torch.Tensor):
        a = (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        image = Image.fromarray(a[..., 0] if a.shape[-1] == 1 else a)
    return image.convert("RGB").resize((max(1, round(height * image.width / image.height)), height))


def curve_figure(card) -> Figure:
    """The film's tone curve, and the share of red, green and blue light in each emulsion."""
    fig = Figure(figsize=(8, 2.6), layout="constrained")
    left, right = fig.subplots(1, 2)
    t = torch.linspace(0, 1, 101)
    left.plot(t, tone_curve(t, card.gamma, card.toe, card.shoulder), color="#0072B2")
    left.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    left.set(xlabel="exposure", ylabel="tone on the film", xlim=(0, 1), ylim=(0, 1))
    names = [*FILMS, "bt601", "mean"]
    bottom = np.zeros(len(names))
    for k, (light, hatch) in enumerate((("red", "//"), ("green", ""), ("blue", ".."))):
        share = np.array([float(film_weights(name)[k]) for name in names])
        right.barh(
            names,
            share,
            left=bottom,
            color=("#D55E00", "#009E73", "#0072B2")[k],
            hatch=hatch,
            edgecolor="black",
            label=light,
        )
        bottom += share
    right.set(xlabel="share of the grey", xlim=(0, 1))
    right.tick_params(axis="y", labelsize=8)
    right.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.4, 1.2), ncols=3)
    return fig


# -- the stored experiment ---------------------------------------------------------------------


def cost_table(rows: list[dict]) -> str:
    """A line an F that made the grey, a column an F that was assumed: dE2000, of the wrong ones what
    they cost with the interval over pictures."""
    names = list(dict.fromkeys(r["made"] for r in rows if r["made"] == r["assumed"]))
    lines = [f"{'made by':15s}" + "".join(f"{'taken for ' + n:>27s}" for n in names)]
    cells = {(r["made"], r["assumed"]): r for r in rows}
    for made in names:
        line = f"{made:15s}"
        for assumed in names:
            r = cells[made, assumed]
            text = f"{r['delta_e'][0]:.1f}"
            if "cost" in r:
                text = "{:+.2f} ({:+.2f} to {:+.2f})".format(*r["cost"]["delta_e"])
            line += f"{text:>27s}"
        lines.append(line)
    return "\n".join(lines)


def guess_text(guess: dict) -> str:
    """How often F was guessed right, as it is and calibrated, single pictures and rolls."""
    lines = []
    for name in ("as it is", "calibrated"):
        for kind, found in guess[name].items():
            share, low, high = found["right"]
            lines.append(
                f"{guess['method']:10s} {name:11s} {kind:7s} {found['n']:3d} under each F: right "
                f"{share:.2f} ({low:.2f} to {high:.2f}), by chance {found['chance']:.2f}"
            )
    return "\n".join(lines)


def confusion_figure(guesses: dict[str, dict]) -> Figure:
    """Maps of true F against guessed F, one a title: title -> what ``graying.guessed`` says."""
    fig = Figure(figsize=(3.6 * len(guesses), 3.2), layout="constrained")
    for axis, (title, found) in zip(
        fig.subplots(1, len(guesses), squeeze=False)[0], guesses.items(), strict=True
    ):
        names = list(found["confusion"])
        shares = np.array([[found["confusion"][a][b] for b in names] for a in names])
        axis.imshow(shares, cmap="cividis", vmin=0, vmax=1)
        for (i, j), v in np.ndenumerate(shares):
            colour = "black" if v > 0.5 else "white"
            axis.text(j, i, f"{v:.2f}", ha="center", va="center", color=colour, fontsize=8)
        axis.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize=7)
        axis.set_yticks(range(len(names)), names, fontsize=7)
        axis.set(xlabel="guessed", ylabel="made by")
        axis.set_title(title, fontsize=9)
    return fig


# -- the user's own pictures -----------------------------------------------------------------


def pictures_in(folder: str, limit: int) -> list[Path]:
    """The picture files of a folder, sorted. Raises JGMError if it is none or empty."""
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise JGMError(f"folder={folder!r} is not a folder; give the folder of your photographs")
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise JGMError(f"folder={folder!r} holds no picture ({', '.join(sorted(SUFFIXES))})")
    return found[:limit]


def grey_of(path) -> torch.Tensor:
    """A scan as (1,1,H,W): its own pixels if it is grey; a toned one by the mean of its channels."""
    return torch.from_numpy(np.ascontiguousarray(read_photo(path).to_gray("mean"), np.float32))[
        None, None
    ]


def both_ways(colorizer, y: torch.Tensor, card) -> list:
    """Observed, coloured with Eq 18, coloured with Eq 19: the row of Fig 10, as small pictures, and
    the two results."""
    results = [colorize(colorizer, y, assumed, card) for assumed in ("mean", "bt601")]
    return [thumbnail(y)] + [thumbnail(r.images[0]) for r in results], results


def rows_figure(rows: list, titles=("observed", "Eq 18", "Eq 19"), height: float = 1.7) -> Figure:
    """Rows of three pictures each, as in Fig 10; the titles stand above the first row."""
    width = max(sum(im.width / im.height for im in row) for row in rows) * height
    fig = Figure(figsize=(width + 0.2, height * len(rows) + 0.3), layout="constrained")
    for k, row in enumerate(fig.subplots(len(rows), 3, squeeze=False)):
        for axis, image, title in zip(row, rows[k], titles, strict=True):
            axis.imshow(image)
            axis.set_axis_off()
            if k == 0:
                axis.set_title(title, fontsize=9)
    return fig


def own_folder(colorizer, card) -> Figure | None:
    """Every picture of ``card.folder`` with both F; saved as PNG if ``card.out`` is given."""
    if not card.folder:
        return None
    rows = []
    for path in pictures_in(card.folder, card.limit):
        row, results = both_ways(colorizer, grey_of(path), card)
        rows.append(row)
        for assumed, result in zip(("mean", "bt601"), results, strict=True):
            if card.out:
                result.save(Path(card.out), stem=f"{path.stem}-{assumed}", force=True, mean=False)
    return rows_figure(rows)
