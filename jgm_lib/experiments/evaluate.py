"""``jgm evaluate``: honest numbers of a prior on a folder of colour photographs."""

from collections.abc import Iterator

from ..colorize import Colorizer
from ..params import ColorizeCard
from .bench import compare
from .methods import method_of
from .sources import Pictures
from .tables import line, table, versions, write_json


def evaluate(
    colorizer: Colorizer, pictures: Pictures, cards: dict[str, ColorizeCard], **options
) -> Iterator[dict]:
    """The rows of ``bench.compare`` for methods by name (``names.method_names``) and their settings;
    ``options`` are those of ``compare``. Raises JGMError."""
    methods = {name: method_of(name, colorizer, card) for name, card in cards.items()}
    yield from compare(methods, pictures, **options)


def report(colorizer: Colorizer, pictures: Pictures, cards: dict, path=None, **options) -> None:
    """``evaluate`` to the screen, row by row and then as a table, and to the file ``path``."""
    rows, paired = [], ["to_grey", "against"] if options.get("reference") else ["to_grey"]
    for row in evaluate(colorizer, pictures, cards, **options):
        rows.append(row)
        print(line(row, paired), flush=True)
    print("\n" + table(rows))
    if path:
        write_json(path, rows, **about(colorizer, pictures, cards))


def about(colorizer: Colorizer, pictures: Pictures, cards: dict) -> dict:
    """How the rows came about: settings of each method, weights, versions, pictures."""
    return {
        "settings": {name: card.model_dump() for name, card in cards.items()},
        "weights": colorizer.card.get("sha256"),
        "seeds": {"draws": {name: card.seed for name, card in cards.items()}, "bootstrap": 0},
        "versions": versions(),
        **pictures.about(),
    }
