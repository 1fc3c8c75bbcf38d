"""The UI behind authentication: nobody comes in unknown, and who may look cannot start anything."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from via_pipeline.defs import desk
from via_pipeline_tests.deploy import proxy

pytestmark = pytest.mark.skipif(
    proxy.NGINX is None or proxy.OPENSSL is None,
    reason="no nginx or openssl here (Debian: apt install nginx-light openssl)",
)

LAUNCH = """
mutation($repository: String!) {
  launchRun(executionParams: {
    selector: {repositoryLocationName: "LOCATION",
               repositoryName: $repository, jobName: "klein"}
    runConfigData: {}
  }) { __typename ... on UnauthorizedError { message } ... on PythonError { message } }
}
""".replace("LOCATION", proxy.LOCATION)
# What every page of the UI starts with.
UI = '<div id="root">'
PASSWORDS = {"operators": "bedienen-alleen-test", "readers": "kijken-alleen-test"}


@dataclass(frozen=True)
class Door:
    """nginx before both webservers: its address, and the folder of its secrets."""

    address: str
    secrets: Path

    def ask(self, path: str, who: str | None = None, **more: object) -> proxy.Answer:
        headers = {"Authorization": _basic(who, PASSWORDS[who])} if who else {}
        body = json.dumps(more).encode() if more else None
        if body:
            headers["Content-Type"] = "application/json"
        return proxy.ask(self.address + path, self.secrets, body=body, headers=headers)


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("proxy")
    secrets = folder / "secrets"
    secrets.mkdir()
    proxy.make_certificate(secrets)
    for name, password in PASSWORDS.items():
        proxy.make_password_file(secrets / name, name, password)
    ports = [proxy.free_port() for _ in range(3)]
    values = {
        "VIA_LISTEN": f"127.0.0.1:{ports[0]}",
        "VIA_SERVER_NAME": "localhost",
        "VIA_UI": f"127.0.0.1:{ports[1]}",
        "VIA_READONLY": f"127.0.0.1:{ports[2]}",
        "VIA_SECRETS": str(secrets),
    }
    place = folder / "nginx"
    place.mkdir()
    readonly = ["--read-only", "--path-prefix", "/kijken"]
    with (
        proxy.webservers(folder / "dagster", {ports[1]: [], ports[2]: readonly}),
        proxy.nginx(place, "via.conf.template", values),
    ):
        yield Door(f"https://localhost:{ports[0]}", secrets)


@pytest.mark.parametrize("path", ["/", "/server_info", "/graphql", "/kijken", "/kijken/graphql"])
def test_nobody_comes_in_without_a_password(door: Door, path: str) -> None:
    answer = door.ask(path)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert "dagster" not in answer.text.lower()


def test_a_wrong_password_and_another_ones_password_are_refused(door: Door) -> None:
    wrong = {"Authorization": _basic("operators", PASSWORDS["readers"])}
    assert proxy.ask(door.address + "/", door.secrets, headers=wrong).status == 401
    assert door.ask("/", "readers").status == 401, (
        "a reader's password opens the reader's door only"
    )


def test_who_has_the_password_gets_the_ui(door: Door) -> None:
    page = door.ask("/", "operators")
    assert page.status == 200 and UI in page.text, page.text[:500]
    assert door.ask("/server_info", "operators").status == 200
    # Without the last stroke too, and by a way back that has this door's name and scheme.
    assert door.ask("/kijken", "readers").headers["Location"] == "/kijken/"
    readonly = door.ask("/kijken/", "readers")
    assert readonly.status == 200 and UI in readonly.text and "/kijken/" in readonly.text


def test_who_may_look_cannot_start_a_run(door: Door) -> None:
    """The same request, by the two doors; the webserver itself refuses, not only its buttons."""
    query = "{repositoriesOrError {... on RepositoryConnection {nodes {name}}}}"
    seen = json.loads(door.ask("/kijken/graphql", "readers", query=query).text)
    (repository,) = seen["data"]["repositoriesOrError"]["nodes"]
    asked = {"query": LAUNCH, "variables": {"repository": repository["name"]}}

    refused = json.loads(door.ask("/kijken/graphql", "readers", **asked).text)
    assert refused["data"]["launchRun"]["__typename"] == "UnauthorizedError"
    runs = "{runsOrError {... on Runs {count}}}"
    count = json.loads(door.ask("/kijken/graphql", "readers", query=runs).text)
    assert count["data"]["runsOrError"]["count"] == 0

    started = json.loads(door.ask("/graphql", "operators", **asked).text)
    assert started["data"]["launchRun"]["__typename"] == "LaunchRunSuccess"


def test_the_ui_listens_to_this_machine_only() -> None:
    """What `via ui` starts, unless told otherwise."""
    from typer.main import get_command

    from via_pipeline.cli import app

    ui = get_command(app).commands["ui"]  # type: ignore[attr-defined]
    default = next(option.default for option in ui.params if option.name == "host")
    assert default == "127.0.0.1"
    webserver, _ = desk.commands(default, 3000)
    assert webserver[webserver.index("-h") + 1] == "127.0.0.1"


# --- single sign-on --------------------------------------------------------------------------


class _SignIn(BaseHTTPRequestHandler):
    """What nginx asks of oauth2-proxy: 202 with a name for a known cookie, else 401."""

    def do_GET(self) -> None:
        known = "_oauth2_proxy=known" in self.headers.get("Cookie", "")
        if self.path.endswith("/auth"):
            self.send_response(202 if known else 401)
            self.send_header("X-Auth-Request-User", "m.jansen")
        else:
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Behind(BaseHTTPRequestHandler):
    """Stands for a webserver: tells which headers reached it."""

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, **dict(self.headers.items())}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_single_sign_on_asks_before_each_request(tmp_path: Path) -> None:
    """With a stand-in for oauth2-proxy: a stranger has to sign in, who is known comes through."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    proxy.make_certificate(secrets)
    place = tmp_path / "nginx"
    place.mkdir()
    port = proxy.free_port()
    with _serving(_SignIn) as sign_in, _serving(_Behind) as behind:
        values = {
            "VIA_LISTEN": f"127.0.0.1:{port}",
            "VIA_SERVER_NAME": "localhost",
            "VIA_UI": behind,
            "VIA_READONLY": behind,
            "VIA_OPERATORS": sign_in,
            "VIA_READERS": sign_in,
            "VIA_SECRETS": str(secrets),
        }
        with proxy.nginx(place, "via-oidc.conf.template", values):
            address = f"https://localhost:{port}"
            for path, to in (("/runs", "/oauth2/start"), ("/kijken/runs", "/kijken/oauth2/start")):
                stranger = proxy.ask(address + path, secrets)
                assert stranger.status == 302
                assert stranger.headers["Location"].endswith(f"{to}?rd={path}")
                forged = proxy.ask(address + path, secrets, headers={"X-Forwarded-User": "baas"})
                assert forged.status == 302

                known = {"Cookie": "_oauth2_proxy=known", "X-Forwarded-User": "baas"}
                got = json.loads(proxy.ask(address + path, secrets, headers=known).text)
                assert (got["path"], got["X-Forwarded-User"]) == (path, "m.jansen")
                assert "Cookie" not in got, "the session stays with the proxy"
            assert proxy.ask(f"{address}/oauth2/auth", secrets).status == 404, "internal"
    assert os.environ.get("VIA_UI") is None
