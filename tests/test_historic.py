"""data_scripts.historic against a small server of our own: nothing here leaves this machine."""

import hashlib
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from data_scripts import historic
from jgm_lib.errors import JGMError


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").save(buffer, "JPEG")
    return buffer.getvalue()


PICTURE = jpeg()


@pytest.fixture
def server(monkeypatch):
    """Answers that a test may change: path -> (body, extra headers). Yields (answers, base URL)."""
    answers = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.split("?")[0]
            answers.setdefault("asked", []).append(self.path)
            if path not in answers:
                return self.send_error(404, "Not Found")
            body, headers = answers[path]
            self.send_response(200)
            self.send_header("Content-Length", headers.get("Content-Length", str(len(body))))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{httpd.server_port}"
    for function in (historic.find_loc, historic.find_commons):
        monkeypatch.setattr(
            historic, function.__name__, lambda *a, f=function: f(*a, base=f"{base}/api")
        )
    yield answers, base
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def loc_answer(base, number="LC-USF34-018841", path="/big.jpg"):
    other = {"title": "another", "image_url": [f"{base}/wrong.jpg"], "id": "x"}
    right = {
        "title": "A town",
        "id": f"{base}/item",
        "item": {"call_number": [number]},
        "image_url": [f"{base}/small.gif", f"{base}/small.jpg#h=1", f"{base}{path}#h=1024&w=9"],
    }
    return json.dumps({"results": [other, right]}).encode(), {}


def commons_answer(base, **info):
    facts = {
        "url": f"{base}/big.jpg",
        "size": len(PICTURE),
        "sha1": hashlib.sha1(PICTURE).hexdigest(),
        "descriptionurl": f"{base}/page",
        "extmetadata": {"LicenseShortName": {"value": "Public domain"}},
        **info,
    }
    pages = {"7": {"index": 1, "title": "File:Scott.jpg", "imageinfo": [facts]}}
    return json.dumps({"query": {"pages": pages}}).encode(), {}


def test_a_call_number_fetches_the_largest_picture_of_the_right_item(server, tmp_path):
    answers, base = server
    answers["/api"], answers["/big.jpg"] = loc_answer(base), (PICTURE, {})
    (row,) = historic.historic(["LC-USF34-018841"], tmp_path)
    assert row["file"] == "LC-USF34-018841.jpg" and row["title"] == "A town"
    assert (tmp_path / row["file"]).read_bytes() == PICTURE
    assert row["sha256"] == hashlib.sha256(PICTURE).hexdigest()
    assert json.loads((tmp_path / "historic.json").read_text())["LC-USF34-018841"] == row
    assert not list(tmp_path.glob("*.part"))


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    answers, base = server
    answers["/api"], answers["/big.jpg"] = loc_answer(base), (PICTURE, {})
    historic.historic(["LC-USF34-018841"], tmp_path)
    historic.historic(["LC-USF34-018841"], tmp_path)
    assert sum(a == "/big.jpg" for a in answers["asked"]) == 1


def test_a_series_is_checked_by_size_and_hash(server, tmp_path):
    answers, base = server
    answers["/api"], answers["/big.jpg"] = commons_answer(base), (PICTURE, {})
    (row,) = historic.historic(["scotts-run"], tmp_path)
    assert row["file"] == "scotts-run-1.jpg" and row["rights"] == "Public domain"


@pytest.mark.parametrize("info, word", [({"sha1": "0" * 40}, "SHA-1"), ({"size": 5}, "bytes")])
def test_a_wrong_hash_or_size_leaves_nothing(server, tmp_path, info, word):
    answers, base = server
    answers["/api"], answers["/big.jpg"] = commons_answer(base, **info), (PICTURE, {})
    with pytest.raises(JGMError, match=word):
        historic.historic(["scotts-run"], tmp_path)
    assert not [p for p in tmp_path.iterdir()]


def test_a_page_instead_of_a_picture_leaves_nothing(server, tmp_path):
    answers, base = server
    answers["/api"], answers["/big.jpg"] = loc_answer(base), (b"<html>busy</html>", {})
    with pytest.raises(JGMError, match="picture"):
        historic.historic(["LC-USF34-018841"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_broken_connection_leaves_nothing(server, tmp_path):
    answers, base = server
    answers["/api"] = loc_answer(base)
    answers["/big.jpg"] = (PICTURE[:100], {"Content-Length": str(len(PICTURE))})
    with pytest.raises(JGMError, match="LC-USF34-018841|cut off"):
        historic.historic(["LC-USF34-018841"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_unknown_numbers_and_services_that_changed(server, tmp_path):
    answers, base = server
    answers["/api"] = loc_answer(base, number="LC-USF34-999999")
    with pytest.raises(JGMError, match="no picture under this call number"):
        historic.historic(["LC-USF34-018841"], tmp_path)
    answers["/api"] = (b"<html></html>", {})
    with pytest.raises(JGMError, match="no JSON"):
        historic.historic(["LC-USF34-018841"], tmp_path)
    del answers["/api"]
    with pytest.raises(JGMError, match="404"):
        historic.historic(["LC-USF34-018841"], tmp_path)


def test_offline_is_one_clear_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        historic, "find_loc", lambda n, f=historic.find_loc: f(n, base="http://127.0.0.1:9/")
    )
    assert historic.main(["LC-USF34-018841", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "cannot be reached" in error


@pytest.mark.parametrize("name", ["../x", "LC-USF34", "Scott", ""])
def test_names_that_are_neither(name, tmp_path):
    with pytest.raises(JGMError, match="call numbers such as"):
        historic.historic([name], tmp_path)


def test_only_http(tmp_path):
    with pytest.raises(JGMError, match="only http"):
        historic.fetch("file:///etc/hostname")
    with pytest.raises(JGMError, match="1 to 50"):
        historic.historic(["scotts-run"], tmp_path, count=0)


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}', '{"a": {"file": "x"}}'])
def test_a_broken_card_is_named(text, tmp_path):
    (tmp_path / "historic.json").write_text(text)
    with pytest.raises(JGMError, match="historic.json: not a list of fetched pictures"):
        historic.historic(["scotts-run"], tmp_path)
