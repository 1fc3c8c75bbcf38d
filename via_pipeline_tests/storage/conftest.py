"""A real S3 server for the tests of this folder that ask for it."""

from __future__ import annotations

import os

import pytest

from faults import s3_server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all; VIA_TEST_S3=ceph takes Debian's radosgw."""
    kind = os.environ.get("VIA_TEST_S3", s3_server.MOTO)
    with s3_server.running(tmp_path_factory.mktemp("s3"), kind) as found:
        yield found


@pytest.fixture
def s3(server, monkeypatch):
    """The keys of the server in the environment."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def url(request, s3) -> str:
    """A place in the bucket that no other test uses."""
    return f"s3://{s3_server.BUCKET}/{request.node.name.replace('[', '-').replace(']', '')}"
