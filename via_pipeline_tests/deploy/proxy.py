"""nginx with the settings that we ship, and the two webservers behind it.

Belongs here: starting and stopping them. Does not belong here: who may do what.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import dagster as dg

from via_pipeline_tests.journeys import house

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
OPENSSL = shutil.which("openssl")
SHIPPED = house.PROJECT / "deploy" / "nginx"
LOCATION = "via_pipeline_tests.deploy.small_location"
_START_SECONDS = 90
# What a distribution's own nginx.conf says around ours, on paths of the test.
_AROUND = """
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log {place}/access.log;
    client_body_temp_path {place}/t1; proxy_temp_path {place}/t2; fastcgi_temp_path {place}/t3;
    uwsgi_temp_path {place}/t4; scgi_temp_path {place}/t5;
    include {place}/via.conf;
}}
"""


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers, text."""

    status: int
    headers: Mapping[str, str]
    text: str


def free_port() -> int:
    """A port of localhost that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def make_certificate(secrets: Path) -> None:
    """A self-signed certificate for localhost, as ``tls_certificate`` and ``tls_key``."""
    assert OPENSSL is not None
    command = [OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
               "subjectAltName=DNS:localhost", "-keyout", str(secrets / "tls_key"),
               "-out", str(secrets / "tls_certificate")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def make_password_file(path: Path, name: str, password: str) -> None:
    """One user, as the documentation says to make one (openssl passwd)."""
    assert OPENSSL is not None
    hashed = subprocess.run(
        [OPENSSL, "passwd", "-6", "-stdin"], input=password, check=True, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    path.write_text(f"{name}:{hashed.stdout.strip()}\n")


@contextlib.contextmanager
def nginx(place: Path, template: str, values: Mapping[str, str]) -> Iterator[None]:
    """nginx over ``template`` of ours, with ``values`` for its variables."""
    assert NGINX is not None
    place.chmod(0o755)
    text = (SHIPPED / template).read_text()
    (place / "via.conf").write_text(Template(text).safe_substitute(values))
    (place / "nginx.conf").write_text(_AROUND.format(place=place) + _as_root())
    command = [NGINX, "-p", str(place), "-c", str(place / "nginx.conf"), "-e",
               str(place / "error.log")]  # fmt: skip
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=60)
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr, tested.stderr
    server = subprocess.Popen(command)
    try:
        _wait_for_port(int(values["VIA_LISTEN"].rpartition(":")[2]), server)
        yield
    finally:
        _end(server)


@contextlib.contextmanager
def webservers(place: Path, by_port: Mapping[int, Sequence[str]]) -> Iterator[None]:
    """Dagster's webserver over the small location, one for each port of localhost, side by side.

    They share the instance in ``place``, as in production; ``by_port`` has what else each is told.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER_", "VIA_"))}
    place.mkdir(exist_ok=True)
    shutil.copy(house.PROJECT / "dagster.yaml", place / "dagster.yaml")
    # SQLite's files are made here: two processes that make them at once get in each other's way.
    with dg.DagsterInstance.from_config(str(place)) as instance:
        assert instance.get_runs_count() == 0
        assert instance.all_instigator_state() == []
    servers: dict[int, subprocess.Popen[bytes]] = {}
    with (place.parent / "webservers.log").open("w") as output:
        for port, arguments in by_port.items():
            command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p",
                       str(port), "-m", LOCATION, *arguments]  # fmt: skip
            servers[port] = subprocess.Popen(
                command, cwd=house.PROJECT, stdout=output, stderr=subprocess.STDOUT,
                env=environment | {"DAGSTER_HOME": str(place), "PYTHONPATH": str(house.PROJECT)},
            )  # fmt: skip
    try:
        for port, server in servers.items():
            _wait_for_port(port, server)
        yield
    finally:
        for server in servers.values():
            server.terminate()
        for server in servers.values():
            _end(server)


def ask(
    address: str, secrets: Path, *, body: bytes | None = None, headers: Mapping[str, str] = {}
) -> Answer:
    """Ask over TLS, trusting the test's certificate only; redirects are not followed."""
    context = ssl.create_default_context(cafile=str(secrets / "tls_certificate"))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _Stay()
    )
    request = urllib.request.Request(address, data=body, headers=dict(headers))
    try:
        with opener.open(request, timeout=60) as found:
            return Answer(found.status, found.headers, found.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read().decode("utf-8", "replace"))


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """No redirect is followed: where it leads is what is looked at."""


def _as_root() -> str:
    # The worker reads pytest's folder, which is its owner's.
    return "user root;\n" if os.geteuid() == 0 else ""


def _wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        assert server.poll() is None, f"ended with {server.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing answers on port {port}")


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(30)
