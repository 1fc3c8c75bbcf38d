"""Dagster's webserver over an installation, and Debian's chromium to look at it with.

Belongs here: starting and stopping the two. Does not belong here: what is looked at.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from via_pipeline.defs import desk, instance
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path(os.environ.get("VIA_CHROMIUM", "/usr/bin/chromium"))
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_START_SECONDS = 120


@contextlib.contextmanager
def webserver(home: Home, environment: dict[str, str]) -> Iterator[str]:
    """The webserver (no daemon: nothing starts by itself) on a free port; yields its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = desk.commands("127.0.0.1", port)[0]
    log = home.root / "webserver.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            cwd=instance.PROJECT,
            env=environment | {"DAGSTER_HOME": str(home.dagster)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(server, f"{address}/server_info", log)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"the webserver ended:\n{log.read_text()[-3000:]}")
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(address, timeout=5),
        ):
            return
        time.sleep(0.5)
    raise RuntimeError(f"the webserver did not answer:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def browser() -> Iterator[tuple[Page, list[str]]]:
    """A page in headless chromium, and every address it asked for."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=_ARGUMENTS, headless=True
        )
        page = chromium.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.set_default_timeout(60_000)
        yield page, asked
        chromium.close()
