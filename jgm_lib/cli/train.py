"""jgm train: train a prior from a card."""

from pathlib import Path

from .options import at_least_one, want_folder


def options(p) -> None:
    from ..cards import card_names

    p.description = "Train from a YAML card (or the name of a bundled one)."
    p.add_argument("card", help="CARD.yaml or one of: " + ", ".join(card_names()))
    p.add_argument("--data", help="packed set (default: ToyScenes, made on the fly)")
    p.add_argument("--out", required=True, help="folder of the run")
    p.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    p.add_argument("--steps", type=int, help="another number of steps (extends a finished run)")
    p.add_argument("--seed", type=int, help="another seed, for another training of the same card")
    p.add_argument("--save-every", type=int, default=500, help="steps between checkpoints")
    p.add_argument("--licence", default="", help="licence of the data, for the card")
    p.add_argument("--about", help="YAML file of more facts for the card, such as the sources")


def run(args) -> int:
    from tqdm import tqdm

    from ..cards import read_facts, read_train_card

    at_least_one(args, "steps", "save_every")
    card = read_train_card(args.card, steps=args.steps, seed=args.seed)
    more = read_facts(args.about) if args.about else {}
    want_folder(args.out)
    from ..training import fit, make_accelerator
    from ..training.runs import export_run, start

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
