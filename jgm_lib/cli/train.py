"""jgm train: train a prior from a card."""

import sys

from ..errors import JGMError
from .options import at_least_one, printable, want_folder
from .stopping import Stopping, resuming


def options(p) -> None:
    from ..cards import card_names

    p.description = (
        "Train from a YAML card (or the name of a bundled one). Ctrl-C or SIGTERM saves a "
        "checkpoint and ends (exit status 130, 143); --resume goes on from it."
    )
    p.add_argument("card", help="CARD.yaml or one of: " + ", ".join(card_names()))
    p.add_argument("--data", help="packed set (default: ToyScenes, made on the fly)")
    p.add_argument("--out", required=True, help="folder of the run")
    p.add_argument(
        "--init", help="weights to begin with, a bundled name or a path (not the card's)"
    )
    p.add_argument("--resume", action="store_true", help="go on from the newest whole checkpoint")
    p.add_argument("--steps", type=int, help="another number of steps (extends a finished run)")
    p.add_argument("--seed", type=int, help="another seed, for another training of the same card")
    p.add_argument(
        "--save-every", type=int, default=500, help="steps between checkpoints (default 500)"
    )
    p.add_argument("--keep", type=int, default=3, help="how many checkpoints stay (default 3)")
    p.add_argument("--licence", default="", help="licence of the data, for the card")
    p.add_argument("--about", help="YAML file of more facts for the card, such as the sources")


def run(args) -> int:
    from ..cards import read_facts, read_train_card

    at_least_one(args, "steps", "save_every", "keep")
    card = read_train_card(args.card, steps=args.steps, seed=args.seed, init=args.init)
    more = read_facts(args.about) if args.about else {}
    want_folder(args.out)
    from ..training import make_accelerator, states_in
    from ..training.runs import start

    if args.resume and not states_in(args.out):
        raise JGMError(f"--resume: no checkpoint in {args.out}; begin without --resume")
    model, batches, about = start(card, args.data)
    ours = make_accelerator(card.precision)  # this process among those that train
    about |= more | {"processes": ours.num_processes}
    about |= {"licence": args.licence} if args.licence else {}
    with Stopping() as stopping:
        try:
            last = train(args, card, (model, batches, about), ours, stopping)
        except KeyboardInterrupt:
            return stopped(args, stopping, "stopped at once") if ours.is_main_process else 0
    if not ours.is_main_process:  # it alone writes checkpoints, and the last one comes after this
        return 0
    if last is not None and last.step < card.steps:
        return stopped(args, stopping, f"stopped after step {last.step} of {card.steps}")
    return finished(args, card, before=last is None)


def train(args, card, parts, accelerator, stopping):
    """The last Progress of this training, None if there was nothing to do."""
    from ..training import fit
    from .watch import Watch

    model, batches, about = parts
    kept = {"save_every": args.save_every, "keep": args.keep, "resume": args.resume}
    more = {"accelerator": accelerator, "about": about, "stop": stopping}
    watch, last = Watch(card.steps), None
    for p in fit(model, batches, card, args.out, **kept, **more):
        if accelerator.is_main_process:
            if last is None:
                say(checkpoints_in_words(model, card, args))
            watch(p)
        last = p
    watch.close()
    return last


def checkpoints_in_words(model, card, args) -> str:
    from ..training.runs import checkpoint_bytes

    size, every = checkpoint_bytes(model, card) / 1e6, args.save_every
    size = f"{size:.0f} MB" if size >= 10 else f"{size:.1g} MB"
    kept = "the last one is" if args.keep == 1 else f"the last {args.keep} are"
    return f"checkpoints: {size} each, every {every} steps, {kept} kept"


def stopped(args, stopping, how: str) -> int:
    """Say how to go on; the exit status."""
    from ..training import states_in
    from ..training.books import kept

    command = resuming(args.words, resume=bool(states_in(args.out)))
    say(f"{how}; {kept(args.out)}; go on with\n  {command}")
    return stopping.status


def finished(args, card, before: bool) -> int:
    """Write the weights, unless the run had ended ``before`` this command and they are there."""
    from ..training.runs import export_run, is_exported, weights_path

    if before:
        steps = f"step {card.steps} of {card.steps}"
        say(f"{args.out} is finished, {steps}; a larger --steps goes on")
    there = before and is_exported(args.out, card)
    path = weights_path(args.out, card.name) if there else export_run(args.out)
    print(f"weights: {path}")
    return 0


def say(text: str) -> None:
    print("jgm: " + "\n".join(map(printable, text.split("\n"))), file=sys.stderr, flush=True)
