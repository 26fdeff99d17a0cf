"""The ``jgm`` command: colorize, train, evaluate, data, doctor.

Exit code 0 all done, 1 some files failed (the rest are done), 2 bad input, with one clear line.
"""

import argparse
import os
import sys
from pathlib import Path

from .cli_options import at_least_one, chosen, knobs, want_folder
from .errors import JGMError

EXAMPLES = """examples:
  jgm colorize old_photo.jpg -o out/
  jgm colorize album/*.jpg -o out/ --n 8 --sampler nullspace --gray bt601 --seed 3
  jgm train scenes-64 --data data/scenes-100 --out runs/scenes-64
  jgm evaluate my_photos/ --methods split --n 8
  jgm data folder --source my_photos/ --size 100 --out data
  jgm data coco-stuff --source train2017.zip --count 20000 --out data
"""
NULLSPACE = {"steps": 50, "sigma_max": 20.0}  # what evaluate takes if nothing is said
DATA_SETS = ("folder", "lsun", "coco-stuff", "imagenet", "flower-photos", "historic")
DATA_HELP = f"Pack a set of pictures: {', '.join(DATA_SETS)}. jgm data SET --help tells more."


def main(argv=None) -> int:
    for stream in (sys.stdout, sys.stderr):  # names of old files need not fit the terminal's code
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = parser().parse_args(argv)
    try:
        return args.run(args)
    except (JGMError, OSError) as error:  # a full disk, a folder that may not be written
        print(f"jgm: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("jgm: stopped", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="jgm",
        description="Score-based colorization.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _colorize_parser(sub)
    _train_parser(sub)
    _evaluate_parser(sub)
    data = sub.add_parser("data", help="pack a data set", description=DATA_HELP)
    data.add_argument("rest", nargs=argparse.REMAINDER, metavar="SET [options]")
    data.set_defaults(run=run_data)
    doctor = sub.add_parser("doctor", help="check this installation")
    doctor.set_defaults(run=run_doctor)
    return top


# -- colorize ----------------------------------------------------------------------------------


def _colorize_parser(sub) -> None:
    from .fullres import METHODS
    from .params import ColorizeCard

    p = sub.add_parser(
        "colorize",
        help="colour photographs",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Colour photographs; a colour input is grayed first.",
    )
    p.add_argument("inputs", nargs="+", metavar="IN", help="photographs")
    p.add_argument("-o", "--out", required=True, help="folder for NAME_1.png ... NAME_mean.png")
    p.add_argument("--force", action="store_true", help="overwrite existing files")
    p.add_argument("--upsample", choices=METHODS, default="detail", help="chroma to full size")
    knobs(p, ColorizeCard.model_fields)
    p.set_defaults(run=run_colorize)


def run_colorize(args) -> int:
    from tqdm import tqdm

    from .colorize import Colorizer
    from .params import ColorizeCard, validate

    card = validate(ColorizeCard, chosen(args))
    want_folder(args.out)
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
    from .colorize import refuse_existing

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


def _train_parser(sub) -> None:
    from .train_cards import card_names

    p = sub.add_parser(
        "train",
        help="train a prior from a card",
        description="Train from a YAML card (or the name of a bundled one).",
    )
    p.add_argument("card", help="CARD.yaml or one of: " + ", ".join(card_names()))
    p.add_argument("--data", help="packed set (default: ToyScenes, made on the fly)")
    p.add_argument("--out", required=True, help="folder of the run")
    p.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    p.add_argument("--steps", type=int, help="another number of steps (extends a finished run)")
    p.add_argument("--save-every", type=int, default=500, help="steps between checkpoints")
    p.add_argument("--licence", default="", help="licence of the data, for the card")
    p.add_argument("--about", help="YAML file of more facts for the card, such as the sources")
    p.set_defaults(run=run_train)


def run_train(args) -> int:
    from tqdm import tqdm

    from .runs import export_run, start
    from .train_cards import read_facts, read_train_card
    from .training import fit, make_accelerator

    card = read_train_card(args.card, args.steps)
    more = read_facts(args.about) if args.about else {}
    at_least_one(args, "save_every")
    want_folder(args.out)
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


def _evaluate_parser(sub) -> None:
    p = sub.add_parser("evaluate", help="honest numbers on a folder of colour photographs")
    p.add_argument("source", help="folder of photographs, or a packed set (its holdout)")
    p.add_argument(
        "--methods",
        default="split,nullspace,langevin",
        help="comma-separated samplers (default %(default)s)",
    )
    p.add_argument("--limit", type=int, help="at most so many pictures")
    p.add_argument("--langevin-limit", type=int, default=64, help="pictures for langevin")
    p.add_argument("--batch", type=int, default=2, help="pictures at a time")
    p.add_argument("--size", type=int, help="pixels a side (default: what the prior sees)")
    p.add_argument("--json", help="also write the rows to this file")
    from .params import ColorizeCard

    names = [n for n in ColorizeCard.model_fields if n not in ("sampler", "gray")]
    defaults = {"n": "8 for split; the other methods draw one"}
    for name, value in NULLSPACE.items():
        defaults[name] = f"{ColorizeCard.model_fields[name].default}; nullspace {value}"
    knobs(p, names, defaults)
    p.set_defaults(run=run_evaluate)


def run_evaluate(args) -> int:
    from .colorize import Colorizer
    from .evaluate import evaluate, table, write_json
    from .params import DEFAULT_WEIGHTS, ColorizeCard, validate

    at_least_one(args, "limit", "langevin_limit", "batch", "size")
    if args.json and not Path(args.json).absolute().parent.is_dir():
        raise JGMError(f"--json {args.json}: its folder does not exist")
    if args.json and Path(args.json).is_dir():
        raise JGMError(f"--json {args.json} is a folder")
    given = chosen(args)
    common = {"n": 8, **given}
    colorizer = Colorizer.from_pretrained(common.get("weights", DEFAULT_WEIGHTS))
    cards = {}
    for name in (m.strip() for m in args.methods.split(",")):
        own = {} if name == "split" else {"n": 1}
        own |= {k: v for k, v in NULLSPACE.items() if name == "nullspace" and k not in given}
        cards[name] = validate(ColorizeCard, {**common, **own, "sampler": name})
    rows = []
    options = dict(limit=args.limit, batch=args.batch, size=args.size)
    options["limits"] = {"langevin": args.langevin_limit}
    for row in evaluate(colorizer, args.source, cards, **options):
        rows.append(row)
        print(table([row]).splitlines()[-1], flush=True)
    print("\n" + table(rows))
    if args.json:
        settings = {k: c.model_dump() for k, c in cards.items()}
        write_json(args.json, rows, settings=settings, weights=colorizer.card.get("sha256"))
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


if __name__ == "__main__":
    raise SystemExit(main())
