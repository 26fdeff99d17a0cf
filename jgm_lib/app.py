"""make app: the colorization panel as a web page, for people without JupyterLab.

Voila runs the panel in one kernel (one worker) a page, a fork of one warm process where forks are
possible; pages left alone are closed. The page is served to this computer only, unless another address
is asked for, and then a token is required.
"""

import argparse
import ipaddress
import json
import os
import secrets
import socket
import sys
import tempfile
from pathlib import Path

from . import threads
from .errors import JGMError
from .params import DEFAULT_WEIGHTS, ColorizeCard, validate
from .widgets.album import MAX_UPLOAD

IDLE = 15 * 60  # seconds until a page that nobody touches is closed
MESSAGE = 2 * MAX_UPLOAD + 1_000_000  # bytes: too large a file still arrives, to be refused kindly
PAGE = """from jgm_lib.params import ColorizeCard
from jgm_lib.widgets import ColorizePanel

ColorizePanel(ColorizeCard(**{card!r}), picture={picture!r}).start()
"""


def is_loopback(ip: str) -> bool:
    """Can only this computer reach the address? Raises JGMError if it is none."""
    if ip == "localhost":
        return True
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        raise JGMError(
            f"ip {ip!r}: need localhost or an address such as 127.0.0.1 or "
            "0.0.0.0 (all addresses of this computer)"
        ) from None


def choose_token(ip: str, token: str | None) -> str:
    """No token is needed on this computer; elsewhere the given one, or a fresh random one.

    Raises JGMError for a token under 16 characters.
    """
    if token is None:
        return "" if is_loopback(ip) else secrets.token_urlsafe(24)
    if len(token) < 16:
        raise JGMError(
            f"token of {len(token)} characters: need at least 16; leave it out for a random one"
        )
    return token


def page(card: ColorizeCard, picture: str) -> dict:
    """The notebook behind the page: one cell that makes and starts the panel."""
    return one_cell(PAGE.format(card=card.model_dump(), picture=picture), "Colorize")


def one_cell(source: str, title: str) -> dict:
    """A notebook of one cell."""
    cell = {
        "cell_type": "code",
        "id": "panel",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": [cell],
        "metadata": {"kernelspec": spec, "title": title},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def config(ip: str, port: int, token: str, browser: bool, heated: int = 0) -> dict:
    """Voila's settings: who may come in, how much they may send, when they are sent away, and how many
    kernels stand ready with a panel."""
    return {
        "Voila": {
            "ip": ip, "port": port, "port_retries": 0, "token": token, "open_browser": browser,
            # Host names other than this computer's are refused on loopback (DNS rebinding).
            "tornado_settings": {"websocket_max_message_size": MESSAGE,
                                 "allow_remote_access": not is_loopback(ip),
                                 "local_hostnames": ["localhost"]},
        },
        "VoilaConfiguration": {"show_tracebacks": False, "file_allowlist": [], "template": "jgm",
                               "extension_denylist": ["jupyterlab-jupytext"],
                               "multi_kernel_manager_class": "jgm_lib.room.KernelManager",
                               "preheat_kernel": heated > 0, "default_pool_size": heated},
        "MappingKernelManager": {"cull_idle_timeout": IDLE, "cull_interval": 10,
                                 "cull_connected": True},
        # A kernel that died is not the visitor's panel any more: the page says so instead. Files in
        # place of ports: thirty kernels that start at once race for ports, and others can listen.
        "ServerKernelManager": {"autorestart": False, "transport": "tcp" if os.name == "nt" else "ipc"},
    }  # fmt: skip


def parse(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jgm_lib.app", description=__doc__)
    add_server_options(parser)
    parser.add_argument("--weights", default=DEFAULT_WEIGHTS, help="bundled name or path")
    parser.add_argument("--picture", default="china", help="the picture shown first")
    parser.add_argument("--settings", default="{}", help="fields of ColorizeCard as JSON")
    return parser.parse_args(argv)


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Where the page is served and who may come in."""
    parser.add_argument("--ip", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8866, help="port (8866)")
    parser.add_argument(
        "--token",
        help="what visitors must know; default: none on this computer, a random one elsewhere",
    )
    parser.add_argument("--no-browser", action="store_true", help="don't open a browser")
    parser.add_argument(
        "--separate",
        action="store_true",
        help="every visitor a process of its own from the start, no fork (as on a GPU); needs more memory",
    )


def card_of(args) -> ColorizeCard:
    """The card that the page starts with. Raises JGMError."""
    try:
        values = json.loads(args.settings)
    except json.JSONDecodeError as error:
        raise JGMError(f"--settings: not JSON ({error})") from None
    if not isinstance(values, dict):
        raise JGMError('--settings: need an object such as {"n": 2}')
    return validate(ColorizeCard, {"weights": args.weights, "n": 2, **values})


def check_free(ip: str, port: int) -> None:
    """Raises JGMError if nobody can listen there: the port is taken, or not allowed, or none."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(ip, port, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
            probe.bind((address[0], port, *address[2:]))  # getaddrinfo takes 70000 for 4464
    except (OSError, OverflowError) as error:
        raise JGMError(f"port {port} of {ip}: {error}; choose another: --port {port + 1}") from None


def serve(args) -> None:
    """Check everything, then run the page until it is stopped. Raises JGMError."""
    from .checkpoints import find
    from .widgets import open_picture

    card = card_of(args)
    find(card.weights)
    open_picture(args.picture)
    os.environ["JGM_WARM_WEIGHTS"] = card.weights
    launch(args, page(card, args.picture), ("jgm_lib.widgets.warmed",))


def launch(args, notebook: dict, modules: tuple[str, ...]) -> None:
    """Run the notebook as a page, in a temporary folder, until stopped; kernels are forks of a process
    with ``modules`` where that is possible. Raises JGMError."""
    try:
        from traitlets.config import Config

        from . import room, warm
    except ImportError:
        raise JGMError("the page needs voila: pip install voila, or make app") from None
    token, title = choose_token(args.ip, args.token), notebook["metadata"]["title"]
    check_free(args.ip, args.port)
    prepare_kernels()
    if forks := not args.separate and warm.possible():
        warm.start(modules)
    with tempfile.TemporaryDirectory(prefix="jgm-app-") as folder:
        path = Path(folder) / f"{title.lower()}.ipynb"
        path.write_text(json.dumps(notebook))
        query = f"?token={token}" if token else ""
        print(f"{title}: http://{args.ip}:{args.port}/{query}", flush=True)
        settings = config(args.ip, args.port, token, not args.no_browser, heated=0 if forks else 1)
        room.run(path, Config(settings))


def prepare_kernels() -> None:
    """What kernels inherit: where this library is, and the threads of one among several."""
    paths = (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))
    os.environ["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
    threads.share()


def ended(work) -> int:
    """Run ``work()``; the exit code is 0, or 2 for a JGMError, which is one line."""
    try:
        work()
    except JGMError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def main(argv=None) -> int:
    args = parse(argv)
    return ended(lambda: serve(args))


if __name__ == "__main__":
    raise SystemExit(main())
