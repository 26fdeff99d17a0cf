"""Checkers of lesson 12."""

import numpy as np

from ..checking import Hint, close, exercise


@exercise(
    "12",
    "packed_bytes",
    wrong={
        "one channel": (lambda count, size: 128 + count * size * size, "three"),
        "side not squared": (lambda count, size: 128 + count * size * 3, "square"),
        "float32": (lambda count, size: 128 + count * size * size * 12, "one byte"),
        "no header": (lambda count, size: count * size * size * 3, "header"),
    },
)
def check_packed_bytes(answer):
    """A small set, then the paper's."""
    got, right = answer(10, 20), 128 + 10 * 20 * 20 * 3
    body = got - 128
    if got == right - 128:
        raise Hint("the header of 128 bytes is missing")
    if body * 3 == right - 128:
        raise Hint("a pixel has three channels")
    if body * 20 == right - 128:
        raise Hint("a picture is a square: size times size pixels")
    if body == 4 * (right - 128):
        raise Hint("that is float32; packed, a channel of a pixel is one byte")
    close(got, right, "128 + count * size * size * 3")
    close(answer(150_000, 128), 7_372_800_128, "try the paper's 150,000 at 128", rtol=1e-12)


def _hours(flop, batch, steps, gpus, tflops, factor=3, tera=1e12, hour=3600):
    return factor * flop * batch * steps / (gpus * tflops * tera) / hour


@exercise(
    "12",
    "training_hours",
    wrong={
        "forward only": (lambda f, b, s, g, t: _hours(f, b, s, g, t, factor=1), "backward"),
        "one GPU": (lambda f, b, s, g, t: _hours(f, b, s, 1, t), "GPUs"),
        "seconds": (lambda f, b, s, g, t: _hours(f, b, s, g, t, hour=1), "seconds"),
        "giga for tera": (lambda f, b, s, g, t: _hours(f, b, s, g, t, tera=1e9), "10^12"),
        "batch a GPU": (lambda f, b, s, g, t: _hours(f, b, s, g, t) * g, "GPUs"),
    },
)
def check_training_hours(answer):
    """The paper's run, one factor at a time."""
    task = (317.03e9, 8, 100_000, 2, 5.0)
    ratio = answer(*task) / _hours(*task)
    for factor, hint in (
        (1 / 3, "the backward pass is missing: a step costs three forward passes"),
        (2, "two GPUs share the global batch: divide by the number of GPUs, once"),
        (3600, "these are seconds"),
        (1000, "a TFLOP is 10^12 FLOP"),
    ):
        if abs(ratio / factor - 1) < 1e-6:
            raise Hint(hint)
    close(ratio, 1.0, "3 * forward * batch * steps / (gpus * tflops * 10^12) / 3600", rtol=1e-6)
    close(answer(1e12, 4, 3600, 8, 1.0), 1.5, "try 1e12 FLOP, batch 4, 3,600 steps, 8 GPUs")


def _drawn_k(count, k, seed):
    return sorted(np.random.default_rng(seed).permutation(count)[:k].tolist())


def _drawn(count, share, seed):
    return _drawn_k(count, round(share * count), seed)


def _repeated(count, share, seed):
    k = round(share * count)
    return sorted(np.random.default_rng(seed).integers(0, count, k).tolist())


@exercise(
    "12",
    "held_out",
    wrong={
        "the first ones": (lambda n, share, seed: list(range(round(share * n))), "sorted by"),
        "the last ones": (lambda n, share, seed: list(range(n - round(share * n), n)), "sorted by"),
        "seed forgotten": (lambda n, share, seed: _drawn(n, share, None), "same"),
        "with repeats": (_repeated, "twice"),
        "rounded down": (lambda n, share, seed: _drawn_k(n, int(share * n), seed), "round"),
        "every fourth": (lambda n, share, seed: list(range(seed % 4, n, 4)), "regular"),
        "from the first half": (
            lambda n, share, seed: _drawn_k(n // 2, round(share * n), seed),
            "whole set",
        ),
        "one too many": (lambda n, share, seed: _drawn(n, share + 1 / n, seed), "how many"),
    },
)
def check_held_out(answer):
    """Repeatable, different, the right number, not one block, another for another seed."""
    a, b, other = answer(400, 0.25, 7), answer(400, 0.25, 7), answer(400, 0.25, 8)
    a, b, other = ([int(i) for i in v] for v in (a, b, other))
    if a != b:
        raise Hint("the same seed gave different pictures: it must give the same ones")
    if len(a) != 100:
        raise Hint(f"{len(a)} pictures of 400 at share 0.25: check how many")
    if len(set(a)) < len(a):
        raise Hint("a picture is drawn twice: draw without replacement, from a permutation")
    if a[-1] - a[0] == 99:
        raise Hint("one block of neighbours; files often come sorted by subject, so draw at random")
    if len(set(np.diff(sorted(a)))) == 1:
        raise Hint("a regular grid; pictures come in series, so draw at random")
    if a == other:
        raise Hint("another seed must draw others")
    if max(a + other) < 300:
        raise Hint("draw from the whole set: the last pictures never come")
    if a != sorted(a) or a[0] < 0 or a[-1] >= 400:
        raise Hint("sorted indices from 0 to count - 1")
    few = [int(i) for i in answer(100, 0.29, 1)]  # 0.29 * 100 is a little less than 29 in floats
    if len(few) != 29 or max(few) > 99:
        raise Hint(
            f"{len(few)} of 100 at share 0.29, up to {max(few)}: round, and stay below count"
        )


def _glued(text, parameters, code, data):
    return text + str(sorted(parameters.items())) + code + data


def _rounded(text, parameters, code, data):
    return text, tuple(sorted((k, round(v, 1)) for k, v in parameters.items())), code, data


def _a_set(text, parameters, code, data):
    return frozenset([text, str(sorted(parameters.items())), code, data])


def _hashed(text, parameters, code, data):
    return hash((text, str(sorted(parameters.items())), code, data))


def _unsorted(text, parameters, code, data):
    return (text, str(parameters), code, data)


@exercise(
    "12",
    "run_key",
    wrong={
        "parameters only": (lambda t, p, c, d: str(sorted(p.items())), "lesson text"),
        "order counts": (_unsorted, "order"),
        "values only": (lambda t, p, c, d: (t, tuple(sorted(p.values())), c, d), "names"),
        "code forgotten": (lambda t, p, c, d: (t, str(sorted(p.items())), d), "code"),
        "glued together": (_glued, "end of one"),
        "values rounded": (_rounded, "0.11"),
        "a set": (_a_set, "exchanged"),
        "hash()": (_hashed, "next Python"),
        "length of the text": (
            lambda t, p, c, d: (len(t), str(sorted(p.items())), c, d),
            "lesson text",
        ),
    },
)
def check_run_key(answer):
    """Equal for the same run, different for one change at a time."""
    run = ("text", {"lr": 0.1, "sigma": 0.5}, "v1", "abc")
    key = answer(*run)
    if key != answer("text", {"sigma": 0.5, "lr": 0.1}, "v1", "abc"):
        raise Hint(
            "the same run got two keys: the order in which parameters are named must not count"
        )
    if key == answer("text", {"lr": 0.5, "sigma": 0.1}, "v1", "abc"):
        raise Hint("the names of the parameters belong to the key as well as their values")
    for place, name in enumerate(("lesson text", "parameters", "code", "data")):
        last = run[place][:-1] + "!" if place != 1 else {"lr": 0.2, "sigma": 0.5}
        if key == answer(*run[:place], last, *run[place + 1 :]):
            raise Hint(f"another {name} must make another run")
    if key == answer("text", {"lr": 0.11, "sigma": 0.5}, "v1", "abc"):
        raise Hint("lr 0.1 and lr 0.11 are two runs: keep the whole number")
    if key == answer("text", {"lr": 0.1, "sigma": 0.5}, "v1a", "bc"):
        raise Hint(
            "code v1a with data bc got the same key: mark the end of one and the next's start"
        )
    if key == answer("text", {"lr": 0.1, "sigma": 0.5}, "abc", "v1"):
        raise Hint("code and data exchanged must be another run")
    if isinstance(key, int) and abs(key) < 2**63:
        raise Hint(
            "hash() of a text is another number in the next Python: the registry outlives it"
        )
