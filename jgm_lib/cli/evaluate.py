"""jgm evaluate: honest numbers on a folder of colour photographs."""

from pathlib import Path

from ..files import check_place
from ..settings import EVALUATED
from .options import at_least_one, check_read, chosen, knobs


def options(p) -> None:
    from ..experiments.names import VERSIONS, method_names
    from ..params import ColorizeCard

    p.add_argument("source", help="folder of photographs, or a packed set (its holdout)")
    p.add_argument(
        "--methods",
        default="split,nullspace,langevin",
        help=f"comma-separated (default %(default)s), of: {', '.join(method_names())}",
    )
    p.add_argument("--against", metavar="METHOD", help="also the differences to this one of them")
    p.add_argument("--limit", type=int, help="at most so many pictures")
    p.add_argument("--langevin-limit", type=int, default=64, help="pictures for langevin")
    p.add_argument("--batch", type=int, default=2, help="pictures at a time")
    p.add_argument("--size", type=int, help="pixels a side (default: what the prior sees)")
    p.add_argument("--json", help="also write the rows to this file")
    names = [n for n in ColorizeCard.model_fields if n not in ("sampler", "gray", "points")]
    defaults = {"n": f"{VERSIONS} for split and means; the others draw one"}
    for name, value in EVALUATED.items():
        defaults[name] = f"{ColorizeCard.model_fields[name].default}; nullspace {value}"
    knobs(p, names, defaults)


def run(args) -> int:
    from ..experiments.names import GREY, cards_of, check_against, method_name, sampler_of
    from ..params import DEFAULT_WEIGHTS

    at_least_one(args, "limit", "langevin_limit", "batch", "size")
    if args.json:
        check_place(Path(args.json))
    given = chosen(args)
    names = [method_name(word) for word in args.methods.split(",")]
    check_read(given, {sampler_of(name) for name in names if name != GREY})
    cards = cards_of(names, given)
    against = check_against(args.against, cards)
    from ..colorize import Colorizer
    from ..experiments.evaluate import report
    from ..experiments.sources import Pictures

    colorizer = Colorizer.from_pretrained(given.get("weights", DEFAULT_WEIGHTS))
    pictures = Pictures.of(args.source, args.size or colorizer.seen_side, args.limit)
    options = {"batch": args.batch, "reference": None if against == GREY else against}
    long = (name for name, card in cards.items() if card.sampler == "langevin")
    options["limits"] = dict.fromkeys(long, args.langevin_limit)
    report(colorizer, pictures, cards, args.json, **options)
    return 0
