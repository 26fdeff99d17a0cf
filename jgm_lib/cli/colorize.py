"""jgm colorize: colour photographs."""

import argparse
import os
import sys
from pathlib import Path

from ..errors import JGMError
from .options import EXAMPLES, chosen, knobs, want_folder


def options(p) -> None:
    from ..params import UPSAMPLE, ColorizeCard

    p.description = "Colour photographs; a colour input is grayed first."
    p.epilog, p.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    p.add_argument("inputs", nargs="+", metavar="IN", help="photographs")
    p.add_argument("-o", "--out", required=True, help="folder for NAME_1.png ... NAME_mean.png")
    p.add_argument("--force", action="store_true", help="overwrite existing files")
    p.add_argument("--upsample", choices=UPSAMPLE, default="detail", help="chroma to full size")
    knobs(p, ColorizeCard.model_fields)


def run(args) -> int:
    from tqdm import tqdm

    from ..params import ColorizeCard, validate

    card = validate(ColorizeCard, chosen(args))
    want_folder(args.out)
    from ..colorize import Colorizer

    colorizer = Colorizer.from_pretrained(card.weights)
    settings = card.model_dump(exclude={"weights"})
    failed = 0
    bar = tqdm(_named(args.inputs), unit="photo", disable=None)
    for path, stem in bar:
        try:
            bar.write(_colorize_one(colorizer, path, stem, args, settings), file=sys.stdout)
        except JGMError as error:
            failed += 1
            bar.write(f"jgm: {error}", file=sys.stderr)
        except (MemoryError, OSError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "alloc" not in str(error):
                raise  # torch's way to say that memory is short; anything else is a bug
            failed += 1
            why = error if isinstance(error, OSError) else "not enough memory"
            bar.write(f"jgm: {path}: {why}", file=sys.stderr)
    return 1 if failed else 0


def _named(inputs) -> list[tuple[str, str]]:
    """(path, stem for its outputs): two photos of one name in different folders stay apart."""
    stems = [Path(path).stem for path in inputs]
    names: list[str] = []
    for stem in stems:
        name, k = stem, 1
        while name in names or (k > 1 and name in stems):  # x-2 may be a photo of its own
            k += 1
            name = f"{stem}-{k}"
        names.append(name)
    return list(zip(inputs, names, strict=True))


def _colorize_one(colorizer, path, stem, args, settings) -> str:
    from ..files import refuse_existing

    names = [f"{stem}_{i + 1}.png" for i in range(settings["n"])] + [f"{stem}_mean.png"]
    paths = [Path(args.out) / n for n in names]
    refuse_existing(paths, args.force)  # before the work, not after
    _keep_inputs(args.inputs, paths)
    result = colorizer.colorize(path, upsample=args.upsample, **settings)
    saved = result.save(args.out, stem=stem, force=args.force)
    text = f"{path} -> {saved[0]} ... {saved[-1].name} ({result.nfe} evaluations)"
    if not result.photo.is_grey:
        text += f", PSNR of the mean {result.psnr(result.samples.mean(0)):.2f} dB"
    if len(result.samples) > 1:
        text += f", versions differ by {result.spread_levels:.0f} levels"
    notes = [*result.photo.notes, *result.notes]  # such as a colour profile that could not be used
    if notes:
        text += "; note: " + "; ".join(notes)
    return text


def _keep_inputs(inputs, paths) -> None:
    """Not even --force overwrites a photograph that was given to be coloured."""
    for path in paths:
        if any(os.path.exists(p) and path.exists() and path.samefile(p) for p in inputs):
            raise JGMError(f"{path} is one of the inputs; choose another folder")
