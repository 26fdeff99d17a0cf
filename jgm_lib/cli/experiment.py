"""jgm experiment: one of the project's experiments, its numbers and its figure into a folder."""

from ..errors import JGMError
from .options import want_folder


def options(p) -> None:
    from ..experiments.cards import EXPERIMENTS

    p.description = "; ".join(f"{name}: {about}" for name, (about, _) in EXPERIMENTS.items())
    p.add_argument("name", choices=tuple(EXPERIMENTS), metavar="NAME", help=", ".join(EXPERIMENTS))
    p.add_argument("--data", help="folder of photographs, or a packed set (its holdout)")
    p.add_argument("-o", "--out", required=True, help="folder for NAME.json and NAME.png")
    p.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="NAME=WEIGHTS",
        help="a trained network, bundled name or path, under a name; the same name again: another "
        "training of it",
    )
    p.add_argument("--quick", action="store_true", help="few pictures, to see that it runs")
    p.add_argument("--force", action="store_true", help="overwrite existing files")
    p.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KNOB=VALUE",
        help="a knob of the experiment; KNOB=? names them all",
    )


def run(args) -> int:
    from ..experiments.registry import card_of, run

    if "?" in {word.rpartition("=")[2] for word in args.set}:
        print(knobs_of(args.name))
        return 0
    want_folder(args.out)
    weights = {"weights": named(args.weights)} if args.weights else {}
    card = card_of(args.name, given(args.set) | weights, args.quick)
    print(run(args.name, card, args.out, args.data, args.force))
    return 0


def given(words: list[str]) -> dict:
    """KNOB=VALUE words, the values as YAML reads them. JGMError for anything else."""
    import yaml

    values = {}
    for word in words:
        name, sign, value = word.partition("=")
        try:
            values[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            sign = ""
        if not sign or not name:
            raise JGMError(f"--set {word!r}: need KNOB=VALUE")
    return values


def named(words: list[str]) -> dict[str, list[str]]:
    """NAME=WEIGHTS words as name -> weights. JGMError for anything else."""
    found: dict[str, list[str]] = {}
    for word in words:
        name, _, weights = word.partition("=")
        if not name or not weights:
            raise JGMError(f"--weights {word!r}: need NAME=WEIGHTS")
        found.setdefault(name, []).append(weights)
    return found


def knobs_of(name: str) -> str:
    """A line a knob: name, default, what it does."""
    from ..experiments.cards import EXPERIMENTS

    fields = EXPERIMENTS[name][1].model_fields
    return "\n".join(
        f"{k}={f.get_default(call_default_factory=True)!r}: {f.description}"
        for k, f in fields.items()
    )
