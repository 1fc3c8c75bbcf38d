"""No connection leaves the machine during a run; and the detectors would have seen one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys import house

_TELEMETRY_LIKE = """
import socket, subprocess, sys, urllib.request
for host in ("127.0.0.1",):
    try:
        socket.create_connection((host, 9), timeout=1)
    except OSError:
        pass
try:
    urllib.request.urlopen("http://telemetry.invalid/actions", data=b"{}", timeout=1)
except OSError:
    pass
subprocess.run([sys.executable, "-c", "import socket; socket.getaddrinfo('stats.invalid', 443)"],
               stderr=subprocess.DEVNULL)
subprocess.run(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9"], stderr=subprocess.DEVNULL)
"""


def test_a_run_connects_to_nothing(sample_run: house.Ran) -> None:
    assert sample_run.code == 0, sample_run.output
    assert sample_run.python_log == []
    assert house.to_the_network(sample_run.system_log) == []
    if shutil.which("strace"):
        assert sample_run.system_log is not None, "strace is installed but left no log"


def test_the_detectors_see_what_reports_home(tmp_path: Path) -> None:
    """The positive control: names looked up, addresses connected to, also by child processes."""
    home = Home(tmp_path / "home", tmp_path / "data").ensure()
    ran = house.run(home, [sys.executable, "-c", _TELEMETRY_LIKE], watched=True)
    text = "\n".join(ran.python_log)
    assert "('127.0.0.1', 9)" in text
    assert "telemetry.invalid" in text
    assert "stats.invalid" in text, "a child process was not seen"
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: only the Python detector was shown to work")
    calls = house.to_the_network(ran.system_log)
    python = sum("sin_port=htons(9)" in call for call in calls)
    assert python >= 2, "bash's own connection is seen beside Python's"
