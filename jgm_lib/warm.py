"""Kernels that fork from one warm process, so that a room shares one torch and one prior.

A page's kernel is a fork of a process that has loaded everything: it starts at once, and memory that
nobody writes to exists once (copy on write). The warm process has one thread and has run no parallel
region: a fork of a process with OpenMP threads would wait for threads that are not there.
"""

import multiprocessing
import os
import signal
import sys
import threading
from importlib.metadata import EntryPoint

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

NAME = "jgm-fork"


def possible() -> bool:
    """Can kernels fork here? On Linux, and where no GPU is used: CUDA does not survive a fork."""
    if sys.platform != "linux":
        return False
    import torch

    return not torch.cuda.is_available()


def context():
    return multiprocessing.get_context("forkserver")


def start(modules: tuple[str, ...]) -> None:
    """Start the warm process, wait until it has imported ``modules``, and make kernels its forks.

    It ends with this process, and the kernels with it.
    """
    context().set_forkserver_preload(["ipykernel.kernelapp", __name__, *modules])
    first = context().Process(target=int)
    first.start()
    first.join()
    factory = KernelProvisionerFactory
    factory.provisioners[NAME] = EntryPoint(NAME, f"{__name__}:ForkProvisioner", factory.GROUP_NAME)
    factory.instance().default_provisioner_name = NAME


def end_with_server() -> None:
    """Wait for the server's end, however it ends. The warm process lives as long as its forks do, so a
    fork must not wait for that one."""
    multiprocessing.parent_process().join()
    os._exit(1)


def run(connection: str, env: dict, folder: str) -> None:
    """In the fork: be an IPython kernel with this connection file, environment and folder."""
    from ipykernel.kernelapp import launch_new_instance

    os.setsid()  # Ctrl-C in the server's terminal is the server's
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    if "torch" in sys.modules and "OMP_NUM_THREADS" in env:
        sys.modules["torch"].set_num_threads(int(env["OMP_NUM_THREADS"]))
    threading.Thread(target=end_with_server, daemon=True).start()
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # and with the warm process
    # Widgets were imported where there was no kernel to register with: load them as an extension.
    launch_new_instance(["-f", connection, parent, "--ext=ipywidgets"])


def plain(text: str) -> str:
    return os.fsdecode(os.fsencode(text))


class Fork:
    """The parts of ``subprocess.Popen`` that ``LocalProvisioner`` asks of a process."""

    stdin = stdout = stderr = None

    def __init__(self, *args):
        self._process = context().Process(target=run, args=args, daemon=True)
        self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkProvisioner(LocalProvisioner):
    """Starts a kernel as a fork of the warm process; all the rest is Jupyter's."""

    async def launch_kernel(self, cmd, **kwargs):
        self.cwd = str(kwargs.get("cwd") or os.getcwd())
        # Plain text, as the system sees it: Voila's names are its own enumeration, and unpickling them
        # would import Voila in the fork, which takes longer than all the rest.
        env = {plain(k): plain(v) for k, v in kwargs["env"].items()}
        self.process = Fork(self.parent.connection_file, env, self.cwd)
        self.pid = self.pgid = self.process.pid
        return self.connection_info
