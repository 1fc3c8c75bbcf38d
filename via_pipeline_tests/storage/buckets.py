"""Machines that work in a bucket, and what lies there, seen through Amazon's client."""

from __future__ import annotations

from pathlib import Path

from via_pipeline.storage.home import Home


def machine(folder: Path, url: str) -> Home:
    """A machine with an empty disk that works in ``url``."""
    return Home(folder / "state", folder / "data", url=url).ensure()


def objects_of(server, url: str) -> dict[str, bytes]:
    """What lies below ``url``, by its way from there."""
    prefix = url.split("/", 3)[3] + "/"
    return {key.removeprefix(prefix): data for key, data in server.objects(prefix).items()}


def keys(server, url: str) -> list[str]:
    """The names of what lies below ``url``."""
    return list(objects_of(server, url))
