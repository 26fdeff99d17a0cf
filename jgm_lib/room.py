"""The server of a page: Voila, with what a room of people needs of it.

A page that is closed or loaded anew frees its kernel at once, one that never said goodbye soon, and a
page whose kernel has ended says so and offers to start again (the template in pages/).
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Integer
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

PAGES = Path(__file__).parent / "pages"  # a Jupyter data folder: voila/templates/jgm


class PageHandler(TornadoVoilaHandler):
    """The page, with the cookie that its farewell must carry: without it the server answers 403
    when the page asks to end its kernel, and the kernel stays."""

    async def prepare(self, **kwargs):
        await super().prepare(**kwargs)
        _ = self.xsrf_token  # reading it sets the cookie


class KernelManager(AsyncMappingKernelManager):
    """Also ends kernels that died, and those whose page is gone."""

    abandoned_timeout = Integer(
        120, config=True, help="seconds until a kernel that no page is connected to is ended"
    )

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        if not await self.is_alive(kernel_id) or self._abandoned(kernel_id):
            self.log.warning("ending kernel %s: dead, or its page is gone", kernel_id)
            await self.shutdown_kernel(kernel_id, now=True)
        else:
            await super().cull_kernel_if_idle(kernel_id)

    def _abandoned(self, kernel_id: str) -> bool:
        kernel, model = self.get_kernel(kernel_id), self.kernel_model(kernel_id)
        idle = datetime.now(UTC) - kernel.last_activity
        waited = idle > timedelta(seconds=self.abandoned_timeout)
        return waited and not model["connections"] and model["execution_state"] != "busy"


class Room(Voila):
    """Voila with this page's handler and template."""

    def init_handlers(self):
        return [
            (rule[0], PageHandler, *rule[2:]) if rule[1] is TornadoVoilaHandler else rule
            for rule in super().init_handlers()
        ]


def run(notebook: Path, settings) -> None:
    """Serve the notebook with these settings (a traitlets Config) until stopped."""
    paths = (str(PAGES), os.environ.get("JUPYTER_PATH"))
    os.environ["JUPYTER_PATH"] = os.pathsep.join(p for p in paths if p)
    Room.launch_instance([str(notebook)], config=settings)
