"""What ``benchmarks.prior`` found, with intervals: for the JSON file and as Markdown."""

import datetime
from pathlib import Path

import numpy as np

from jgm_lib import honesty
from jgm_lib.experiments.pairing import Scores, differences
from jgm_lib.experiments.tables import plain, summary, versions
from jgm_lib.experiments.tables import with_interval as span
from jgm_lib.metrics import ratio_of_sums

AGAINST_GREY = ("psnr", "chroma_psnr", "delta_e")


def about(module: str, argv, colorizer, card, **more) -> dict:
    """How the numbers came about; of paths in the command only the last part is told."""
    words = [Path(w).name if "/" in w else w for w in map(str, argv)]
    settings = card.model_dump(include={"sampler", "n", "seed", *card.settings()})
    return {
        "command": " ".join(["python -m", module, *words]),
        "date": datetime.date.today().isoformat(),
        "weights": {k: colorizer.card.get(k) for k in ("name", "sha256", "steps")},
        "settings": settings,
        "seeds": {"draws": card.seed, "bootstrap": 0, "ties": 0},
        "versions": versions(),
        **more,
    }


def rows_of(found: dict, names: list[str], card) -> dict:
    """From ``prior.measure``: a row a column with its values picture by picture, a row a source,
    R2, and what the spread is worth."""
    columns, parts = found["columns"], found["parts"]
    return {
        "pictures": names,
        "rows": [_row(c, columns, parts, found["nfe"], card.n) for c in columns],
        "sources": _sources(columns, names, card.n),
        "R2": _explained(parts),
        "honesty": _honesty(found, card.n),
    }


def _row(column: str, columns: dict, parts: dict, nfe: int, n: int) -> dict:
    scores, grey = columns[column], columns["grey replica"]
    row = {"column": column, **plain(summary(scores))}
    row["nfe"] = {"grey replica": 0, "truth": 0, "single": nfe}.get(column, n * nfe)
    row["to_grey"] = to_grey(scores, grey)
    colour, true = scores["colourfulness"], columns["truth"]["colourfulness"]
    row["colourfulness_share"] = plain(ratio_of_sums(colour, true))
    if f"speckle {column}" in parts:
        row["speckle"] = plain(ratio_of_sums(parts[f"speckle {column}"], parts["speckle truth"]))
    row["values"] = {k: plain(v.tolist()) for k, v in scores.items()}
    return row


def _sources(columns: dict, names: list[str], n: int) -> list[dict]:
    """The mean of the draws (or the single draw) against grey, a row a first folder."""
    column = f"mean of {n}" if n > 1 else "single"
    source = np.array([name.split("/")[0] if "/" in name else "." for name in names])
    rows = []
    for one in sorted(set(source.tolist())):
        here = source == one
        pair = ({k: v[here] for k, v in columns[c].items()} for c in (column, "grey replica"))
        gain = to_grey(*pair)
        rows.append({"source": one, "n": int(here.sum()), "column": column, "to_grey": gain})
    return rows


def to_grey(scores: dict, grey: dict) -> dict:
    """{metric: [mean, low, high]} of scores minus those of the grey replicas of the same pictures."""
    keys = list(range(len(scores["psnr"])))
    return plain(differences(Scores(keys, scores), Scores(keys, grey), AGAINST_GREY))


def _explained(parts: dict) -> list:
    left, low, high = ratio_of_sums(parts["R2 left"], parts["R2 all"])
    return plain([1 - left, 1 - high, 1 - low])


def _honesty(found: dict, n: int) -> dict:
    counts = found["ranks"]
    out = {"ranks": (counts / counts.sum()).tolist(), "levels": list(honesty.LEVELS)}
    out["coverage"] = plain(honesty.coverage(counts).tolist())
    if n > 1:
        pair = found["error"], found["variance"]
        out["deciles"] = honesty.error_by_spread(*pair, n)
        out["ratio"] = plain(honesty.overall_ratio(*pair, n))
    return out


# -- Markdown ----------------------------------------------------------------------------------


def text(found: dict) -> str:
    """Everything of ``rows_of`` for people."""
    weights = found["weights"]
    head = f"`{found['command']}`, {found['date']}: {len(found['pictures'])} pictures, weights "
    head += f"{weights['name']} ({str(weights['sha256'])[:12]}, step {weights['steps']})"
    known = "a simulated orthochromatic film" if found.get("film") else "their grey"
    head += f"; known: {known}."
    r2 = f"R2 of the first estimate (32 x 32 chroma): {span(found['R2'], 3)}"
    parts = [head, _columns(found["rows"]), r2, _honest(found["honesty"])]
    return "\n\n".join([*parts, _by_source(found["sources"])])


def _columns(rows) -> str:
    lines = [
        "| column | PSNR dB | to grey | chroma PSNR to grey | ΔE00 | to grey | colourfulness | "
        "share of the truth's | speckle / truth | NFE |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        psnr, delta, colour = (
            span([r[k], r[f"{k}_low"], r[f"{k}_high"]], d)
            for k, d in (("psnr", 2), ("delta_e", 2), ("colourfulness", 1))
        )
        gain = {k: "" if not r["nfe"] else span(v, 2, "+") for k, v in r["to_grey"].items()}
        cells = [r["column"], psnr, gain["psnr"], gain["chroma_psnr"], delta, gain["delta_e"]]
        cells += [colour, span(r["colourfulness_share"], 3), span(r.get("speckle"), 3)]
        lines.append("| " + " | ".join([*cells, str(r["nfe"] or "")]) + " |")
    return "\n".join(lines)


def _honest(h: dict) -> str:
    pairs = [f"{p:.0%}: {c:.1%}" for p, c in zip(h["levels"], h["coverage"], strict=True) if c]
    lines = ["Share of the true chroma values in the central interval: " + ", ".join(pairs)]
    honest = 1 / len(h["ranks"])
    ranks = " ".join(f"{r:.3f}" for r in h["ranks"])
    lines.append(f"Rank of the truth among the draws (honest {honest:.3f}): {ranks}")
    if "deciles" in h:
        cells = [
            f"{255 * d['spread']:.1f} -> {255 * d['error']:.1f} (honest {255 * d['expected']:.1f})"
            for d in h["deciles"]
        ]
        lines.append("Spread -> error of the mean, levels, by decile: " + ", ".join(cells))
        ratio = "no spread" if h["ratio"] is None else f"{h['ratio']:.3f}"
        lines.append(f"Error over what the spread promises, all values: {ratio}")
    return "\n\n".join(lines)


def _by_source(rows) -> str:
    lines = ["| source | n | column | PSNR to grey | ΔE00 to grey |", "|---|---|---|---|---|"]
    for r in rows:
        gains = " | ".join(span(r["to_grey"][k], 2, "+") for k in ("psnr", "delta_e"))
        lines.append(f"| {r['source']} | {r['n']} | {r['column']} | {gains} |")
    return "\n".join(lines)
