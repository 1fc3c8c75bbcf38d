"""A PostgreSQL of Debian's, started for a test and gone after it.

Belongs here: starting and stopping the server. Does not belong here: what is kept in it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ACCOUNT = "postgres"
NAME = "dagster"


@dataclass(frozen=True)
class Server:
    """A running server: a database ``dagster`` of a user ``dagster``, who needs the password."""

    port: int
    password: str

    @property
    def url(self) -> str:
        """The address as ``DAGSTER_PG_URL`` has it: with the driver, without the password."""
        return f"postgresql+psycopg2://{self._where}"

    @property
    def plain_url(self) -> str:
        """The same for libpq itself."""
        return f"postgresql://{self._where}"

    @property
    def _where(self) -> str:
        return f"{NAME}@127.0.0.1:{self.port}/{NAME}"

    def pass_file(self, path: Path, mode: int = 0o600) -> Path:
        """Write the password as libpq reads it (``PGPASSFILE``)."""
        path.write_text(f"127.0.0.1:{self.port}:{NAME}:{NAME}:{self.password}\n")
        path.chmod(mode)
        return path


def programs() -> Path | None:
    """The folder with the newest ``initdb`` of Debian's, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server on a free port of localhost; as root it is started as Debian's ``postgres``."""
    place = programs()
    assert place is not None
    password = secrets.token_urlsafe(24)
    # Not pytest's folder: another account has to get to it.
    folder = Path(tempfile.mkdtemp(prefix="via-pg-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        account = pwd.getpwnam(_ACCOUNT)
        os.chown(folder, account.pw_uid, account.pw_gid)
        prefix = ["setpriv", f"--reuid={_ACCOUNT}", f"--regid={account.pw_gid}", "--clear-groups"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str, **more: str) -> None:
        subprocess.run(
            [*prefix, str(place / program), *arguments],
            cwd=folder,
            check=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"} | more,
        )

    data = str(folder / "data")
    told = folder / "password"
    told.write_text(password)
    told.chmod(0o644)  # its folder is the owner's alone
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    )
    try:
        run("initdb", "-D", data, "-U", NAME, "--auth=scram-sha-256", f"--pwfile={told}",
            "--no-sync", "--locale=C", "-E", "UTF8")  # fmt: skip
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", NAME, NAME,
                PGPASSWORD=password)  # fmt: skip
            yield Server(port, password)
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
