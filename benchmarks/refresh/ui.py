"""Until Dagster's UI shows a loaded code location: ours, and one with a single asset beside it.

    python -m benchmarks.refresh.ui COMMAND...    ({port} in it is a free port)

Belongs here: start the command, ask its GraphQL whether every code location is loaded, end it. The
process ends when the answer is yes. Does not belong here: measuring (``child``).
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time

ASKED = (
    "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError "
    "{ ... on RepositoryLocation { repositories { assetNodes { id } } } } } } } }"
)
LIMIT_SECONDS = 120


def is_ready(port: int) -> bool:
    """Whether the UI on ``port`` answers, and every code location of it has assets to show."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        body = json.dumps({"query": ASKED})
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        told = json.loads(connection.getresponse().read())["data"]["workspaceOrError"]
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    entries = told.get("locationEntries") or []
    found = [(entry["loadStatus"], entry["locationOrLoadError"] or {}) for entry in entries]
    return bool(found) and all(
        status == "LOADED" and any(one["assetNodes"] for one in location.get("repositories", ()))
        for status, location in found
    )


def main(command: list[str]) -> None:
    """Start, wait until it is ready, end it with all that it started; print the seconds until then.

    Raises:
        TimeoutError: it was not ready in two minutes, or ended.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asked = [part.replace("{port}", str(port)) for part in command]
    server = subprocess.Popen(  # noqa: S603 - commands of the benchmarks themselves
        asked, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    began = time.monotonic()
    try:
        while not is_ready(port):
            if server.poll() is not None or time.monotonic() - began > LIMIT_SECONDS:
                raise TimeoutError(f"no UI on port {port}: {' '.join(asked)}")
            time.sleep(0.05)
        took = time.monotonic() - began
    finally:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    sys.stdout.write(f"{took:.2f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
