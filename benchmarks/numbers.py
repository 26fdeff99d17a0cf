"""From evaluation files to the model card and the README: no number is typed.

    python -m benchmarks.numbers split.json nullspace.json langevin.json [--write]

The files come from `jgm evaluate FOLDER --methods NAME --json NAME.json`. Without --write the
table is only printed.
"""

import argparse
import json
from pathlib import Path

from jgm_course.book import ROOT, put_between, write_text
from jgm_lib.errors import JGMError
from jgm_lib.experiments.names import averaged
from jgm_lib.experiments.tables import check_same_pictures, table
from jgm_lib.params import ColorizeCard
from jgm_lib.settings import EVALUATED

from .common import answers

CARD = ROOT / "jgm_lib" / "weights" / "scenes-64.json"
START, END = "<!-- numbers:start -->", "<!-- numbers:end -->"
ONE_BY_ONE = ("keys", "values")  # of a row, what is kept of every picture


def command_of(method: str, settings: dict) -> str:
    """The `jgm evaluate` line that gives these settings: only what differs from the defaults."""
    usual = {k: field.default for k, field in ColorizeCard.model_fields.items()}
    usual |= EVALUATED if "nullspace" in method else {}
    usual["n"] = None if method == "split" or averaged(method) else 1  # many are always told
    words = ["jgm evaluate FOLDER --methods", method.replace(" ", "-")]
    for name, value in settings.items():
        if name not in ("sampler", "gray", "border") and value != usual[name]:
            words.append(option_of(name, value))
    return " ".join(words)


def option_of(name: str, value) -> str:
    """A setting as an option of the command line."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{'' if value else 'no-'}{option}"
    return f"--{option} {value:g}" if isinstance(value, (int, float)) else f"--{option} {value}"


def read(path, sha256: str) -> dict:
    """What a file of `jgm evaluate --json` holds. Raises JGMError if it is none, or of other
    weights."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        weights = found["settings"], found["rows"], found.get("weights")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JGMError(f"{path}: not a file of `jgm evaluate --json` ({error!r})") from None
    if weights[-1] != sha256:
        raise JGMError(f"{path}: measured with other weights; evaluate again")
    return found


def read_rows(paths, sha256: str) -> list[dict]:
    """The rows of all files with their commands, without the values picture by picture; grey
    replica and truth once, from the first.

    Raises JGMError for a file that is none, or that was measured with other weights or pictures.
    """
    rows, files = [], [read(path, sha256) for path in paths]
    for path, found in zip(paths, files, strict=True):
        check_same_pictures(found, files[0], path)
        for row in found["rows"]:
            row = {k: v for k, v in row.items() if k not in ONE_BY_ONE}
            own = found["settings"].get(row["method"])
            if own:
                rows.append({**row, "command": command_of(row["method"], own)})
            elif not any(r["method"] == row["method"] for r in rows):
                rows.append(row)
    return rows


def text(rows: list[dict]) -> str:
    """What stands in the README: the table, the commands, and how to read it."""
    truth = next(r for r in rows if r["method"] == "truth")
    shown = [r for r in rows if r is not truth]
    commands = dict.fromkeys((r["method"], r["command"]) for r in rows if "command" in r)
    few = {r["method"]: r for r in shown if r["n"] < truth["n"]}
    lines = [
        f"{truth['n']} unseen scene photographs (the classes of the training set) at 64x64, bundled",
        '`scenes-64`. "Single" is the first draw; seconds: one thread, on a machine that was not idle.',
        "",
        table(shown),
        "Commands (FOLDER holds the colour photographs):",
        "",
        *(f"- {method}: `.venv/bin/{command}`" for method, command in commands),
        "",
        f"The truth's colourfulness is {truth['colourfulness']:.1f}. A single draw from a posterior",
        "pays on average against the posterior's mean: an exact one 10 log10 2 = 3.0 dB (2.5 dB against the mean of 8), one",
        "paler than the posterior less. NFE and seconds are those of the whole column: all 8 draws for mean,",
        "consensus and oracle. The oracle picks the best draw with the truth in hand, which nobody has. The",
        "grey replica is the bar: PSNR alone cannot tell a good colorizer from none.",
        *(
            f"`{m}` ran on {r['n']} pictures evenly spread over the folder; the grey replica scores "
            f"{r['grey_psnr']:.2f} dB on them."
            for m, r in few.items()
        ),
    ]
    return "\n".join(lines)


@answers
def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", help="what jgm evaluate --json wrote")
    parser.add_argument("--card", type=Path, default=CARD)
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--write", action="store_true", help="into the card and the README")
    args = parser.parse_args(argv)
    card = json.loads(args.card.read_text(encoding="utf-8"))
    rows = read_rows(args.files, card["sha256"])
    print(text(rows))
    if args.write:
        put_between(args.readme, START, END, text(rows))
        count = next(r["n"] for r in rows if r["method"] == "truth")
        about = f"{count} unseen scene photographs of the same four classes at 64x64"
        card["metrics"] = {"data": about, "rows": rows}
        write_text(args.card, json.dumps(card, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
