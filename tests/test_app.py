"""The page of the panel: who may come in, what it starts with, one clear line on bad input."""

import nbformat
import pytest

from jgm_lib import app
from jgm_lib.errors import JGMError
from jgm_lib.params import ColorizeCard
from jgm_lib.widgets.album import MAX_UPLOAD


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_on_this_computer_no_token_is_needed_and_other_host_names_are_refused(ip):
    assert app.choose_token(ip, None) == ""
    assert app.config(ip, 1, "", False)["Voila"]["tornado_settings"]["allow_remote_access"] is False


@pytest.mark.parametrize("ip", ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1"])
def test_elsewhere_there_is_always_a_token(ip):
    first, second = app.choose_token(ip, None), app.choose_token(ip, None)
    assert len(first) >= 32 and first != second
    assert app.choose_token(ip, "0123456789abcdef") == "0123456789abcdef"


@pytest.mark.parametrize("token", ["", "short"])
def test_a_weak_token_is_refused(token):
    for ip in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(JGMError, match="at least 16"):
            app.choose_token(ip, token)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(JGMError, match="ip 'example': need localhost"):
        app.choose_token("example", None)


def test_limits_of_a_page():
    settings = app.config("127.0.0.1", 8866, "", True)
    kernels = settings["MappingKernelManager"]
    assert 0 < kernels["cull_idle_timeout"] <= 3600 and kernels["cull_connected"]
    room = settings["Voila"]["tornado_settings"]["websocket_max_message_size"]
    assert MAX_UPLOAD < room <= 3 * MAX_UPLOAD
    assert settings["VoilaConfiguration"]["file_allowlist"] == []


def test_the_notebook_behind_the_page_is_valid_and_starts_the_panel():
    card = ColorizeCard(n=2, lam=3.5)
    notebook = nbformat.from_dict(app.page(card, "china"))
    nbformat.validate(notebook)
    source = notebook.cells[0].source
    compile(source, "page", "exec")
    assert repr(card.model_dump()) in source and "'china'" in source


@pytest.mark.parametrize("argv, words", [
    (["--settings", "{"], "--settings: not JSON"),
    (["--settings", "[1]"], "--settings: need an object"),
    (["--settings", '{"beta": -1}'], "beta=-1"),
    (["--weights", "nowhere"], "no weights 'nowhere'"),
    (["--ip", "nowhere"], "ip 'nowhere'"),
    (["--picture", "nobody"], "nobody"),
])  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(argv, words, capsys, monkeypatch):
    pytest.importorskip("voila", reason="voila is not installed")
    if "--picture" in argv:  # weights are looked for first
        monkeypatch.setattr("jgm_lib.checkpoints.find", lambda name: name)
    assert app.main([*argv, "--no-browser"]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
