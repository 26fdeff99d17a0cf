"""From measured files to the README and the card of the everyday prior: no number is typed.

    python -m benchmarks.prior_numbers "title" file.json ["title" file.json ...] [--write]

The files come from `python -m benchmarks.prior ... --json FILE`. Without --write the text is only
printed. Files of other weights than the bundled ones are refused unless their title says "compare:".
"""

import argparse
import json
from pathlib import Path

from jgm_course.book import ROOT, put_between, write_text
from jgm_lib.checkpoints import BUNDLED
from jgm_lib.errors import JGMError

from . import prior_table
from .common import answers

CARD = BUNDLED / "photos-64.json"
START, END = "<!-- prior:start -->", "<!-- prior:end -->"
OTHER = "compare:"


def read(pairs: list[str], sha256: str) -> dict[str, dict]:
    """{title: what the file holds}. JGMError for a file that is none or of other weights."""
    if not pairs or len(pairs) % 2:
        raise JGMError("need pairs of a title and a file")
    out = {}
    for title, path in zip(pairs[::2], pairs[1::2], strict=True):
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            weights = found["weights"]["sha256"], found["rows"], found["honesty"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JGMError(f"{path}: not a file of benchmarks.prior --json ({error!r})") from None
        if weights[0] != sha256 and not title.startswith(OTHER):
            raise JGMError(f"{path}: measured with other weights; measure again")
        out[title.removeprefix(OTHER).strip()] = found
    return out


def text(measured: dict[str, dict]) -> str:
    """What stands in the README: all of the first file, of the others how and the columns."""
    parts = []
    for i, (title, found) in enumerate(measured.items()):
        paragraphs = prior_table.text(found).split("\n\n")
        parts.append(f"**{title}.** " + "\n\n".join(paragraphs[:2] if i else paragraphs))
    return "\n\n".join(parts)


def for_card(found: dict) -> dict:
    """What the card keeps: everything but the pictures and their values one by one."""
    rows = [{k: v for k, v in row.items() if k != "values"} for row in found["rows"]]
    return {k: v for k, v in found.items() if k not in ("pictures", "keys")} | {"rows": rows}


@answers
def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", nargs="+", metavar="TITLE FILE")
    parser.add_argument("--card", type=Path, default=CARD)
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--write", action="store_true", help="into the card and the README")
    args = parser.parse_args(argv)
    card = json.loads(args.card.read_text(encoding="utf-8"))
    measured = read(args.pairs, card["sha256"])
    print(text(measured))
    if args.write:
        put_between(args.readme, START, END, text(measured))
        card["metrics"] = {title: for_card(found) for title, found in measured.items()}
        write_text(args.card, json.dumps(card, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
