"""A real S3-compatible server on this machine, for as long as a block lasts.

Two kinds, each in processes of its own, on free ports, with all files below one folder. ``ceph`` is
Debian's radosgw over a monitor and one object store in memory: the gateway that many government
clouds run (``apt install --no-install-recommends radosgw ceph-mon ceph-osd``). ``moto`` is moto's
server from the dev lock: independent of the client, it checks signatures and conditional writes,
and is there wherever the tests are.

Belongs here: starting, stopping, a bucket and keys. Does not belong here: what is tried on it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CEPH, MOTO = "ceph", "moto"
BUCKET = "via"
_WAIT_SECONDS = 60
_CEPH_PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
_CEPH_CONF = """[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon}
public addr = 127.0.0.1
auth supported = none
auth cluster required = none
auth service required = none
auth client required = none
keyring = /dev/null
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon data avail crit = 1
mon data avail warn = 2
run dir = {folder}
log file = {folder}/$name.log
admin socket = {folder}/$name-$pid.asok
osd objectstore = memstore
memstore device bytes = 4294967296
ms bind ipv6 = false
ms bind msgr2 = false
[mon.a]
mon data = {folder}/mon
[osd.0]
osd data = {folder}/osd
[client.admin]
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw run sync thread = false
"""


@dataclass
class Server:
    """A server at work: where, its keys, and the environment for a program that uses it."""

    kind: str
    url: str
    key: str
    secret: str
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False)

    def environment(self) -> dict[str, str]:
        """The standard variables, as an operator sets them."""
        return {
            "VIA_S3_ENDPOINT": self.url,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
        }

    def client(self, service: str = "s3") -> Any:
        """Amazon's own client for Python: it shares no code with the one under test."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """Every object of the bucket below ``prefix``, with its bytes."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return {
            item["Key"]: client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
            for page in pages
            for item in page.get("Contents", [])
        }

    def stop(self) -> None:
        """End it as a crash does; what was written may be gone."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        self.processes.clear()


def has_ceph() -> bool:
    """Whether Debian's packages are installed."""
    return all(shutil.which(name) for name in _CEPH_PROGRAMS)


@contextmanager
def running(folder: Path, kind: str = MOTO) -> Iterator[Server]:
    """Start a server with an empty bucket ``via``; it is killed at the end.

    Raises:
        RuntimeError: it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(kind, "", "synthetische-sleutel", "synthetisch-geheim", folder.absolute())
    try:
        (_ceph if kind == CEPH else _moto)(server)
        _make_bucket(server)
        yield server
    finally:
        server.stop()


def _make_bucket(server: Server) -> None:
    """Ceph's first bucket waits for pools that it makes then."""
    from botocore.exceptions import BotoCoreError, ClientError

    end = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            server.client().create_bucket(Bucket=BUCKET)
            return
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() > end:
                raise RuntimeError(f"no bucket can be made at {server.url}: {error}") from None
            time.sleep(0.5)


def _moto(server: Server) -> None:
    port = _free_port()
    server.url = f"http://127.0.0.1:{port}"
    # The first three requests make the keys; from then on every request is checked.
    env = os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": "3"}
    with (server.folder / "moto.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
    server.processes.append(process)
    _wait(f"{server.url}/moto-api/data.json")
    iam = server.client("iam")
    iam.create_user(UserName="via")
    made = iam.create_access_key(UserName="via")["AccessKey"]
    iam.put_user_policy(UserName="via", PolicyName="via", PolicyDocument=json.dumps(_POLICY))
    server.key, server.secret = made["AccessKeyId"], made["SecretAccessKey"]


def _ceph(server: Server) -> None:
    port, mon = _free_port(), _free_port()
    server.url = f"http://127.0.0.1:{port}"
    conf = server.folder / "ceph.conf"
    fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
    conf.write_text(_CEPH_CONF.format(fsid=fsid, mon=mon, port=port, folder=server.folder))
    for name in ("mon", "osd"):
        (server.folder / name).mkdir()

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603
            [program, "-c", str(conf), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_WAIT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} {arguments[0]}: {done.stderr.decode()[-300:]}")

    monmap = str(server.folder / "monmap")
    call("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v1:127.0.0.1:{mon}]", monmap)
    call("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)
    _daemon(server, ["ceph-mon", "-i", "a"])
    call("ceph", "osd", "new", osd)
    call("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
    _daemon(server, ["ceph-osd", "-i", "0"])
    _daemon(server, ["radosgw", "-n", "client.admin"])
    _wait(server.url)
    user = ("user", "create", "--uid=via", "--display-name=via")
    call("radosgw-admin", *user, f"--access-key={server.key}", f"--secret-key={server.secret}")


def _daemon(server: Server, command: list[str]) -> None:
    with (server.folder / f"{command[0]}.out").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [*command, "-c", str(server.folder / "ceph.conf"), "-f"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    server.processes.append(process)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(url: str) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - an address of this machine
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"no answer from {url} in {_WAIT_SECONDS} s")
