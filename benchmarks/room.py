"""A room of visitors on one page: all open it, all drag a slider once at the same time.

    python -m benchmarks.room [--visitors 30] [--separate] [--settings JSON] [--json FILE]

Starts the page's server, speaks to it as browsers do (page, web socket, widget messages), and tells how
many were answered, after how many seconds, and the memory of all its processes: the proportional set
size, in which memory that several share counts once.
"""

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from jupyter_server.services.kernels.connection.base import (
    deserialize_msg_from_ws_v1,
    serialize_msg_to_ws_v1,
)
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from jgm_course.book import ROOT
from jgm_lib.errors import JGMError

from .common import answers, parser_of, report, row

PROTOCOL = (
    "v1.kernel.websocket.jupyter.org"  # what browsers speak; of others Voila understands half
)
SLIDER = "lookahead"
VALUES = 30  # of a drag, which takes a second
PATIENCE = 600  # seconds that a visitor waits for anything


def pss_mb(pid: int) -> float:
    """Proportional set size of a process, 10^6 bytes; 0 for one that has ended. Linux only."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return int(re.search(r"^Pss: +(\d+)", text, re.MULTILINE)[1]) * 1024 / 1e6


def family_mb(pid: int) -> float:
    """The memory of a process and all its descendants."""
    try:
        family = [pid, *(p.pid for p in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(map(pss_mb, family))


class Peak(threading.Thread):
    """The largest ``family_mb`` since it was started, looked at every second."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.mb, self.enough = pid, 0.0, threading.Event()

    def run(self) -> None:
        while not self.enough.wait(1):
            self.mb = max(self.mb, family_mb(self.pid))


@contextmanager
def server(options: list[str]):
    """A page's server of its own: (address, process). Raises JGMError if it does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jgm_lib.app", "--no-browser", "--port", str(port), *options]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield wait_for_port(process, port), process
    finally:
        process.terminate()
        process.wait(60)


def wait_for_port(process, port: int) -> str:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"127.0.0.1:{port}"
        time.sleep(0.1)
    raise JGMError("the page's server did not start; try it: python -m jgm_lib.app")


class Visitor:
    """One browser tab, as far as the server can tell."""

    def __init__(self, address: str):
        self.address, self.states, self.session = address, {}, uuid.uuid4().hex
        self.seconds: dict[str, float] = {}

    async def open(self) -> None:
        """Load the page, take over its widgets, wait for the first picture."""
        start = time.monotonic()
        client = AsyncHTTPClient(force_instance=True)
        page = await client.fetch(f"http://{self.address}/", request_timeout=PATIENCE)
        kernel = re.search(r'"kernelId": "([0-9a-f-]+)"', page.body.decode())[1]
        url = f"ws://{self.address}/api/kernels/{kernel}/channels?session_id={self.session}"
        self.socket = await websocket_connect(
            url, max_message_size=50_000_000, subprotocols=[PROTOCOL]
        )
        await self._open_control()
        await self.until(lambda: self._slider() is not None)
        self.seconds["controls"] = time.monotonic() - start
        await self.until(lambda: self.runs() > 0)
        self.seconds["first picture"] = time.monotonic() - start

    async def drag(self) -> None:
        """Move the slider through ``VALUES`` stops in a second, then wait for the last one's picture."""
        slider, stops = self._slider(), self.states[self._slider()]["_options_labels"]
        for k in range(VALUES):
            index = k * (len(stops) - 2) // (VALUES - 1)  # ends elsewhere than it began
            await self._send("comm_msg", slider, {"method": "update", "state": {"index": index}})
            await asyncio.sleep(1 / VALUES)
        start, wanted = time.monotonic(), f"{SLIDER} = {stops[index]}"
        await self.until(lambda: wanted in self._text("jgm-say"))
        self.seconds["answer to a drag"] = time.monotonic() - start

    async def until(self, condition) -> None:
        """Take in messages until it holds. Raises JGMError when the patience or the kernel ends."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            left = deadline - time.monotonic()
            message = await asyncio.wait_for(self.socket.read_message(), left)
            if message is None:
                raise JGMError("the server hung up")
            _, (_, _, _, content, *_) = deserialize_msg_from_ws_v1(message)
            self._take(json.loads(content))

    def runs(self) -> int:
        """How many full runs have finished, by the line beside the progress bar."""
        found = re.match(r"Run (\d+) done", self._text("jgm-progress"))
        return int(found[1]) if found else 0

    def _text(self, of: str) -> str:
        found = (s for s in self.states.values() if of in s.get("_dom_classes", ()))
        return next(found, {}).get("value", "")

    def _slider(self) -> str | None:
        return next((k for k, s in self.states.items() if s.get("description") == SLIDER), None)

    async def _open_control(self) -> None:
        """Ask for the state of all widgets, as the widget manager of a new page does."""
        comm = uuid.uuid4().hex
        await self._send("comm_open", comm, {}, target_name="jupyter.widget.control")
        await self._send("comm_msg", comm, {"method": "request_states"})

    async def _send(self, kind: str, comm: str, data: dict, **more) -> None:
        header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": self.session,
                  "username": "", "version": "5.3", "date": ""}  # fmt: skip
        content = {"comm_id": comm, "data": data, **more}
        message = {"header": header, "parent_header": {}, "metadata": {"version": "1.0.0"},
                   "content": content}  # fmt: skip
        whole = serialize_msg_to_ws_v1(message, "shell", lambda part: json.dumps(part).encode())
        await self.socket.write_message(whole, binary=True)

    def _take(self, content: dict) -> None:
        """Remember what a message says of a widget."""
        data = content.get("data", {})
        if data.get("method") == "update_states":
            self.states |= {k: v["state"] for k, v in data["states"].items()}
        elif data.get("method") in ("update", "echo_update"):
            self.states.setdefault(content["comm_id"], {}).update(data["state"])


async def all_at_once(visitors, what: str) -> list:
    """Let everybody do it; -> those who came through."""
    done = await asyncio.gather(*(getattr(v, what)() for v in visitors), return_exceptions=True)
    for failure in {repr(d) for d in done if d is not None}:
        print(f"lost while they {what}: {failure}", file=sys.stderr)
    return [v for v, d in zip(visitors, done, strict=True) if d is None]


async def visit(address: str, n: int) -> tuple[list, list]:
    """``n`` visitors open the page and drag; -> those who saw a picture, those who got an answer."""
    seen = await all_at_once([Visitor(address) for _ in range(n)], "open")
    return seen, await all_at_once(seen, "drag")


def quantiles(visitors, what: str, n: int) -> list[dict]:
    seconds = [v.seconds[what] for v in visitors] or [np.nan]
    return [
        row(f"{n} visitors, {what}: {name}", np.quantile(seconds, q), "s")
        for name, q in (("half of them", 0.5), ("95 %", 0.95))
    ]


def measure(n: int, options: list[str]) -> list[dict]:
    """All rows: answered, lost, seconds, memory. Raises JGMError."""
    with server(options) as (address, process):
        before, peak = family_mb(process.pid), Peak(process.pid)
        peak.start()
        seen, answered = asyncio.run(visit(address, n))
        peak.enough.set()
        peak.join()
    counts = {"saw a picture": len(seen), "were answered": len(answered), "lost": n - len(answered)}
    rows = [row(f"{n} visitors, {what}", k, "visitors") for what, k in counts.items()]
    for what in ("controls", "first picture"):
        rows += quantiles(seen, what, n)
    rows += quantiles(answered, "answer to a drag", n)
    return [
        *rows,
        row("memory before the first visitor", before, "MB"),
        row(f"{n} visitors, peak memory", peak.mb, "MB"),
        row("memory a visitor, at the peak", (peak.mb - before) / n, "MB"),
    ]


@answers
def main(argv=None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument(
        "--separate", action="store_true", help="no forks: a whole process a visitor"
    )
    parser.add_argument("--settings", default="{}", help="fields of the page's ColorizeCard, JSON")
    args = parser.parse_args(argv)
    options = ["--settings", args.settings, *(["--separate"] if args.separate else [])]
    report(measure(args.visitors, options), args.json)


if __name__ == "__main__":
    sys.exit(main())
