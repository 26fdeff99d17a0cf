"""The ``jgm`` command: colorize, train, evaluate, data, doctor.

Exit code 0 all done, 1 some files failed (the rest are done), 2 bad input, with one clear line.
Torch is imported where the work begins: help and usage errors answer without it.
"""

import argparse
import os
import sys
from pathlib import Path

from .cli_options import (
    DATA_HELP,
    DATA_SETS,
    EXAMPLES,
    Version,
    at_least_one,
    chosen,
    colorize_options,
    data_options,
    evaluate_options,
    train_options,
    want_folder,
)
from .errors import JGMError
from .files import check_place


def main(argv=None) -> int:
    for stream in (sys.stdout, sys.stderr):  # names of old files need not fit the terminal's code
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if argv is None else list(argv)
    if not words:
        parser(words).print_help(sys.stderr)
        return 2
    args = parser(words).parse_args(words)
    try:
        return args.run(args)
    except (JGMError, OSError) as error:  # a full disk, a folder that may not be written
        print(f"jgm: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("jgm: stopped", file=sys.stderr)
        return 130


def parser(words=None) -> argparse.ArgumentParser:
    """The parser of the command line; given its words, only the commands among them get their
    options: those of a card take a while to build."""
    top = argparse.ArgumentParser(
        prog="jgm",
        description="Score-based colorization.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=Version, nargs=0, help="show the version and end")
    sub = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (about, fill, run) in COMMANDS.items():
        p = sub.add_parser(name, help=about)
        p.set_defaults(run=run)
        if words is None or name in words:
            fill(p)
    return top


# -- colorize ----------------------------------------------------------------------------------


def run_colorize(args) -> int:
    from tqdm import tqdm

    from .params import ColorizeCard, validate

    card = validate(ColorizeCard, chosen(args))
    want_folder(args.out)
    from .colorize import Colorizer

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
    from .files import refuse_existing

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


# -- train -------------------------------------------------------------------------------------


def run_train(args) -> int:
    from tqdm import tqdm

    from .cards import read_facts, read_train_card

    card = read_train_card(args.card, args.steps)
    more = read_facts(args.about) if args.about else {}
    at_least_one(args, "save_every")
    want_folder(args.out)
    from .training import fit, make_accelerator
    from .training.runs import export_run, start

    model, batches, about = start(card, args.data)
    ours = make_accelerator(card.precision)  # this process among those that train
    bar = tqdm(total=card.steps, unit="step", disable=None if ours.is_main_process else True)
    options = dict(
        data=about["data"], resume=args.resume, save_every=args.save_every, accelerator=ours
    )
    for p in fit(model, batches, card, args.out, **options):
        bar.update(p.step - bar.n)
        bar.set_postfix_str(
            f"loss {p.loss:.3f}, {p.images_per_second:.1f} images/s, "
            f"{p.seconds_left / 60:.1f} min left",
            refresh=False,
        )
    bar.close()
    if not ours.is_main_process:  # it alone writes checkpoints, and the last one comes after this
        return 0
    about |= more | {"processes": ours.num_processes}
    about |= {"licence": args.licence} if args.licence else {}
    about["pictures_seen"] = card.steps * card.batch * ours.num_processes
    path = export_run(args.out, Path(args.out) / card.name, about)
    print(f"weights: {path}")
    return 0


# -- evaluate ----------------------------------------------------------------------------------


def run_evaluate(args) -> int:
    from .experiments.names import GREY, cards_of, check_against, method_name
    from .params import DEFAULT_WEIGHTS

    at_least_one(args, "limit", "langevin_limit", "batch", "size")
    if args.json:
        check_place(Path(args.json))
    given = chosen(args)
    cards = cards_of(map(method_name, args.methods.split(",")), given)
    against = check_against(args.against, cards)
    from .colorize import Colorizer
    from .experiments.evaluate import report
    from .experiments.sources import Pictures

    colorizer = Colorizer.from_pretrained(given.get("weights", DEFAULT_WEIGHTS))
    pictures = Pictures.of(args.source, args.size or colorizer.seen_side, args.limit)
    options = {"batch": args.batch, "reference": None if against == GREY else against}
    long = (name for name, card in cards.items() if card.sampler == "langevin")
    options["limits"] = dict.fromkeys(long, args.langevin_limit)
    report(colorizer, pictures, cards, args.json, **options)
    return 0


# -- data, doctor ------------------------------------------------------------------------------


def run_data(args) -> int:
    import importlib

    if not args.rest:
        print(DATA_HELP, file=sys.stderr)
        return 2
    name, *rest = args.rest
    if name not in DATA_SETS:
        raise JGMError(f"data set {name!r} is unknown; choose {', '.join(DATA_SETS)}")
    return importlib.import_module(f"data_scripts.{name.replace('-', '_')}").main(rest)


def run_doctor(args) -> int:
    from .doctor import checks

    bad = 0
    for ok, text in checks():
        print(("ok    " if ok else "FAILS ") + text, flush=True)
        bad += not ok
    return 1 if bad else 0


COMMANDS = {
    "colorize": ("colour photographs", colorize_options, run_colorize),
    "train": ("train a prior from a card", train_options, run_train),
    "evaluate": (
        "honest numbers on a folder of colour photographs",
        evaluate_options,
        run_evaluate,
    ),
    "data": ("pack a data set", data_options, run_data),
    "doctor": ("check this installation", lambda p: None, run_doctor),
}


if __name__ == "__main__":
    raise SystemExit(main())
