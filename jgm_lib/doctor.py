"""``jgm doctor``: is this machine ready for a lesson? Run it the evening before."""

import importlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata

import torch

PACKAGES = (
    "torch",
    "numpy",
    "jupyterlab",
    "ipywidgets",
    "papermill",
    "nbval",
    "jupytext",
    "scikit-image",
    "scikit-learn",
    "accelerate",
    "safetensors",
    "pydantic",
)


def checks() -> Iterator[tuple[bool, str]]:
    """Yield (passed, one line) for each check; a failing check says what to do."""
    for check in (python, packages, kernel, widgets, device, disk, weights, colorization):
        yield _guarded(check)


def _guarded(check: Callable) -> tuple[bool, str]:
    try:
        return check()
    except Exception as error:  # a check that dies is a failed check, and the next ones still run
        return False, f"{check.__name__}: {type(error).__name__}: {error}"


def python():
    version = sys.version.split()[0]
    return sys.version_info >= (3, 11), f"Python {version} (3.11 or newer is needed)"


def packages():
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return False, f"packages missing: {', '.join(missing)}; run make test or pip install -e ."
    return True, "packages: " + ", ".join(found)


def kernel():
    from jupyter_client.kernelspec import KernelSpecManager

    names = sorted(KernelSpecManager().find_kernel_specs())
    fix = "" if "python3" in names else "; run python -m ipykernel install --sys-prefix"
    return "python3" in names, f"Jupyter kernels: {', '.join(names) or 'none'}{fix}"


def widgets():
    importlib.import_module("ipywidgets")
    path = os.path.join(sys.prefix, "share/jupyter/labextensions/@jupyter-widgets")
    ok = os.path.isdir(path)
    return ok, "widgets for JupyterLab " + (
        "found" if ok else f"not found at {path}; reinstall jupyterlab_widgets"
    )


def device():
    if torch.cuda.is_available():
        return True, f"GPU: {torch.cuda.get_device_name()}"
    if torch.backends.mps.is_available():
        return True, "GPU: Apple MPS"
    return True, f"no GPU; {torch.get_num_threads()} CPU threads (enough for every quick setting)"


def disk():
    free = shutil.disk_usage(".").free / 2**30
    return free > 1, f"{free:.1f} GiB free here (1 GiB is needed)"


def weights():
    from . import checkpoints

    names = checkpoints.bundled()
    for name in names:
        checkpoints.load(name)
    return bool(names), f"bundled weights: {', '.join(names) or 'none; reinstall the package'}"


def colorization():
    from .colorize import Colorizer
    from .data import samples

    start = time.monotonic()
    result = Colorizer.from_pretrained().colorize(samples.load("china"), n=1, steps=10)
    colour = float((result.samples - result.samples.mean(1, keepdim=True)).abs().mean())
    return colour > 0.003, (
        f"a colorization took {time.monotonic() - start:.1f} s (mean chroma {colour:.3f})"
    )
