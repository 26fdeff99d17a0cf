"""The server of a room: kernels that nobody needs end, forks are kernels, ports are looked at first."""

import asyncio
import os
import socket
import sys
import time

import psutil
import pytest

pytest.importorskip("voila", reason="voila is not installed")

from jgm_lib import app, warm  # noqa: E402
from jgm_lib.errors import JGMError  # noqa: E402
from jgm_lib.room import KernelManager  # noqa: E402


def manager(folder, **settings) -> KernelManager:
    return KernelManager(
        connection_dir=str(folder), cull_idle_timeout=3600, cull_interval=3600, **settings
    )


async def started(kernels) -> str:
    """A kernel that has been idle for a moment."""
    kernel_id = await kernels.start_kernel()
    await kernels.get_kernel(kernel_id).ready
    client = kernels.get_kernel(kernel_id).client()
    client.start_channels()
    await client.wait_for_ready(60)
    client.stop_channels()
    await asyncio.sleep(0.3)
    return kernel_id


def test_a_kernel_without_a_page_ends_and_one_with_a_page_stays(tmp_path):
    async def scene():
        kernels = manager(tmp_path, abandoned_timeout=0)
        kernel_id = await started(kernels)
        kernels.notify_connect(kernel_id)
        await kernels.cull_kernel_if_idle(kernel_id)
        assert kernel_id in kernels
        kernels.notify_disconnect(kernel_id)
        kernels.abandoned_timeout = 3600
        await kernels.cull_kernel_if_idle(kernel_id)
        assert kernel_id in kernels, "its page may be loading"
        kernels.abandoned_timeout = 0
        await kernels.cull_kernel_if_idle(kernel_id)
        assert kernel_id not in kernels

    asyncio.run(scene())


def test_a_kernel_that_died_is_forgotten(tmp_path):
    async def scene():
        kernels = manager(tmp_path)
        kernel_id = await started(kernels)
        kernels.notify_connect(kernel_id)
        psutil.Process(kernels.get_kernel(kernel_id).provisioner.pid).kill()
        for _ in range(50):
            await kernels.cull_kernel_if_idle(kernel_id)
            if kernel_id not in kernels:
                return
            await asyncio.sleep(0.1)
        pytest.fail("still there")

    asyncio.run(scene())


def test_a_taken_port_is_told_before_any_address(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        argv = ["--no-browser", "--port", str(port), "--weights", "toy-32", "--picture", "toy-1"]
        assert app.main(argv) == 2
    out = capsys.readouterr()
    assert out.out == "" and out.err.startswith(f"port {port} of 127.0.0.1: ")
    assert f"--port {port + 1}" in out.err and out.err.count("\n") == 1
    app.check_free("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_that_is_none_is_one_line(port):
    with pytest.raises(JGMError, match=f"port {port} of 127.0.0.1"):
        app.check_free("127.0.0.1", port)


def test_voila_takes_no_other_port_by_itself():
    assert app.config("127.0.0.1", 8866, "", True)["Voila"]["port_retries"] == 0


FORKS = """
import asyncio, os, sys, psutil
from jgm_lib import warm

async def scene():
    from jgm_lib.room import KernelManager
    kernels = KernelManager(connection_dir=sys.argv[1], root_dir=sys.argv[1])
    kernel_id = await kernels.start_kernel(path="", env={**os.environ, "COLOUR": "blue"})
    kernel = kernels.get_kernel(kernel_id)
    await kernel.ready
    client = kernel.client()
    client.start_channels()
    await client.wait_for_ready(60)
    said = []
    code = "import os, sys; print(os.environ['COLOUR'], os.getcwd(), 'wave' in sys.modules)"
    await client.execute_interactive(code, output_hook=lambda m: said.append(m["content"].get("text")))
    fork = psutil.Process(kernel.provisioner.pid)
    print("".join(filter(None, said)).strip(), fork.ppid() != os.getpid())
    client.stop_channels()
    await kernels.shutdown_kernel(kernel_id)
    print(fork.is_running() and fork.status() != psutil.STATUS_ZOMBIE)
    second = await kernels.start_kernel(path="")
    await kernels.get_kernel(second).ready
    print(kernels.get_kernel(second).provisioner.pid, flush=True)

if __name__ == "__main__":
    warm.start(("wave",))
    asyncio.run(scene())
    os._exit(0)  # a server that is killed
"""


@pytest.mark.skipif(sys.platform != "linux", reason="kernels fork on Linux")
def test_a_fork_is_a_kernel_with_its_own_environment_and_ends_with_the_server(tmp_path):
    import subprocess

    script = tmp_path / "scene.py"
    script.write_text(FORKS)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    env = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    first, ended, second = done.stdout.splitlines()[-3:]
    assert first == f"blue {tmp_path} True True" and ended == "False", done.stderr
    deadline = time.monotonic() + 30
    while psutil.pid_exists(int(second)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not psutil.pid_exists(int(second))


def test_names_of_an_enumeration_become_plain_text():
    """Else a fork would import whatever defines the enumeration."""
    from voila.utils import ENV_VARIABLE

    name = warm.plain(ENV_VARIABLE.QUERY_STRING)
    assert type(name) is str and name == "QUERY_STRING"
