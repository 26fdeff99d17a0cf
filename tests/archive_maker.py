"""Small archives in the true formats of the big sets, and a file server on this machine."""

import io
import json
import tarfile
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image


def photo(seed, w=60, h=40):
    """A smooth picture in colour, another one for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((w, h), Image.Resampling.BICUBIC)


def encoded(seed, kind="JPEG", mode="RGB", **size) -> bytes:
    buffer = io.BytesIO()
    photo(seed, **size).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def card_of(npy) -> dict:
    return json.loads(npy.with_suffix(".json").read_text(encoding="utf-8"))


def make_zip(path, members: dict, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def add(tar, name, content=b"", **fields):
    """Append one member; ``fields`` such as type=tarfile.SYMTYPE, linkname=..."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(content))


def tar_bytes(members: dict) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            add(tar, name, content)
    return buffer.getvalue()


def make_lmdb(folder, values: dict):
    import lmdb

    with lmdb.open(str(folder), map_size=1 << 26) as env, env.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key, value)
    (folder / "lock.mdb").unlink()
    return folder


class Served:
    """What the server gives for one path, and how it misbehaves.

    ``etag``, ``modified``: headers. ``ranges``: does it know Range? ``cut``: bytes of the body
    after which it hangs up, once for each entry. ``length``: a Content-Length that it claims.
    ``status``: an error instead.
    """

    def __init__(self, body, **how):
        self.body, self.etag, self.modified = body, how.get("etag"), how.get("modified")
        self.ranges, self.cut = how.get("ranges", True), list(how.get("cut", ()))
        self.length, self.status = how.get("length"), how.get("status")
        self.if_range = how.get("if_range", True)


@contextmanager
def file_server(files: dict):
    """Serve ``files`` (path -> Served) on 127.0.0.1; gives the base URL and the list of requests."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, dict(self.headers)))
            f = files.get(self.path)
            if f is None or f.status:
                return self.send_error(f.status if f else 404)
            start = self.start_of(f)
            if start is not None and start >= len(f.body):
                return self.send_error(416)
            self.send_response(206 if start is not None else 200)
            if start is not None:
                span = f"bytes {start}-{len(f.body) - 1}/{len(f.body)}"
                self.send_header("Content-Range", span)
            body = f.body[start or 0 :]
            for name, value in (("ETag", f.etag), ("Last-Modified", f.modified)):
                if value:
                    self.send_header(name, value)
            if f.length != "none":
                self.send_header("Content-Length", str(f.length or len(body)))
            self.end_headers()
            self.wfile.write(body[: f.cut.pop(0)] if f.cut else body)

        def start_of(self, f):
            wanted = self.headers.get("Range")
            mark = self.headers.get("If-Range")
            if not wanted or not f.ranges:
                return None
            if f.if_range and mark not in (None, f.etag, f.modified):
                return None
            return int(wanted.removeprefix("bytes=").rstrip("-"))

        def log_message(self, *args):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", asked
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
