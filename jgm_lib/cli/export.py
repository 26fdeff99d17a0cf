"""jgm export: the weights of a run as they are now, with their card."""


def options(p) -> None:
    p.description = (
        "Write the averaged weights of a run's newest checkpoint and their card, as the run itself "
        "does at its end. The run may be going on, or stopped and go on later."
    )
    p.add_argument("folder", metavar="RUN", help="folder of the run (train --out)")
    p.add_argument(
        "-o", "--out", help="file or folder of the weights (default: RUN/NAME.safetensors)"
    )
    p.add_argument("--force", action="store_true", help="overwrite existing files")


def run(args) -> int:
    from ..training.runs import export_run

    path = export_run(args.folder, args.out, force=args.force)
    print(f"weights: {path}")
    return 0
