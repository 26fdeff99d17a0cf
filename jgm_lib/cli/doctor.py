"""jgm doctor: check this installation."""


def options(p) -> None:
    pass


def run(args) -> int:
    from ..doctor import checks

    bad = 0
    for ok, text in checks():
        print(("ok    " if ok else "FAILS ") + text, flush=True)
        bad += not ok
    return 1 if bad else 0
