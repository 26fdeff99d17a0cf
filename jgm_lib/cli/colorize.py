"""jgm colorize: colour photographs."""

import argparse
import glob
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import JGMError
from .options import EXAMPLES, Once, card_of, check_read, chosen, knobs, printable, want_folder


def options(p) -> None:
    from ..params import UPSAMPLE, ColorizeCard

    p.description = "Colour photographs; a colour input is grayed first."
    p.usage = "%(prog)s [options] -o OUT IN [IN ...]"
    p.epilog, p.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    p.add_argument("inputs", nargs="+", metavar="IN", help="photographs, or folders of them")
    about = "folder for NAME_1.png ... NAME_mean.png"
    p.add_argument("-o", "--out", action=Once, required=True, help=about)
    there = p.add_mutually_exclusive_group()
    there.add_argument("--force", action="store_true", help="overwrite existing files")
    about = "leave out photographs whose files are all there"
    there.add_argument("--skip-existing", action="store_true", help=about)
    about = "chroma to full size (default detail)"
    p.add_argument("--upsample", action=Once, choices=UPSAMPLE, default="detail", help=about)
    knobs(p, ColorizeCard.model_fields)


def run(args) -> int:
    from tqdm import tqdm

    card = card_of(chosen(args))
    check_read(chosen(args), [card.sampler])
    want_folder(args.out)
    args.inputs = photographs(args.inputs, args.out)
    photos = _named(args.inputs)
    from ..colorize import Colorizer

    colorizer = Colorizer.from_pretrained(card.weights)
    failed = 0
    bar = tqdm(photos, unit="photo", disable=None)
    for path, stem in bar:
        try:
            said = _colorize_one(colorizer, path, stem, args, card, bar)
            bar.write(printable(said), file=sys.stdout)
        except JGMError as error:
            failed += 1
            bar.write(f"jgm: {printable(error)}", file=sys.stderr)
        except (MemoryError, OSError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "alloc" not in str(error):
                raise  # torch's way to say that memory is short; anything else is a bug
            failed += 1
            why = error if isinstance(error, OSError) else "not enough memory"
            bar.write(f"jgm: {printable(f'{path}: {why}')}", file=sys.stderr)
    return 1 if failed else 0


def photographs(inputs, out) -> list[str]:
    """The files meant: folders stand for the pictures in and below them, patterns (where no shell
    has done so before) for what they match. An ``out`` below such a folder is left out of it. Raises
    JGMError for a folder or pattern without pictures, and for a folder that is ``out``."""
    found: dict = {}  # each once, in the order given
    for name in inputs:
        more = list(_meant(name, Path(out).resolve()))
        if not more:
            raise JGMError(f"{printable(name)}: no photographs there")
        found |= dict.fromkeys(more)
    return list(found)


def _meant(name: str, out: Path) -> Iterator[str]:
    from ..data.folders import find_pictures

    if os.path.isdir(name):
        root = Path(name).resolve()
        if root == out:
            raise JGMError(
                f"{printable(name)}: is the folder of the results too; choose another -o"
            )
        left_out = out.is_relative_to(root)  # results of an earlier call are no photographs
        for below, file in find_pictures(root):
            if isinstance(file, Path) and not (left_out and file.is_relative_to(out)):
                yield os.path.join(name, below)
    elif not os.path.lexists(name) and glob.has_magic(name):
        yield from sorted(glob.glob(name, recursive=True))
    else:
        yield name


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


def _colorize_one(colorizer, path, stem, args, card, bar) -> str:
    from ..files import refuse_existing

    names = [f"{stem}_{i + 1}.png" for i in range(card.n)] + [f"{stem}_mean.png"]
    paths = [Path(args.out) / n for n in names]
    if args.skip_existing and all(map(os.path.lexists, paths)):
        return f"{path}: its files are there already"
    force = args.force or args.skip_existing  # a set that is not whole is made again
    refuse_existing(paths, force)  # before the work, not after
    _keep_inputs(args.inputs, paths)

    def on_step(state):
        bar.set_postfix_str(f"{printable(stem)}, step {state.step} of {card.states}")

    about = card.model_dump(exclude={"weights"})
    result = colorizer.colorize(path, upsample=args.upsample, on_step=on_step, **about)
    saved = result.save(args.out, stem=stem, force=force)
    return f"{path} -> {saved[0]} ... {saved[-1].name} ({result.nfe} evaluations){told(result)}"


def told(result) -> str:
    """What a user should know of a result, behind the names of its files."""
    text = ""
    if not result.photo.is_grey:
        text += f", PSNR of the mean {result.psnr(result.samples.mean(0)):.2f} dB"
    if len(result.samples) > 1:
        text += f", versions differ by {result.spread_levels:.0f} levels"
    notes = [*result.photo.notes, *result.notes]  # such as a colour profile that could not be used
    return text + ("; note: " + "; ".join(notes) if notes else "")


def _keep_inputs(inputs, paths) -> None:
    """Not even --force overwrites a photograph that was given to be coloured."""
    for path in paths:
        if path.exists() and any(os.path.exists(p) and path.samefile(p) for p in inputs):
            raise JGMError(f"{path} is one of the inputs; choose another folder")
