"""What we hand to those who install it: well-formed, pinned, and without a secret."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from via_pipeline_tests.journeys.house import PROJECT

TOOLS = Path(sys.executable).parent
COMPOSE = PROJECT / "deploy" / "docker-compose.yml"
YAML_FILES = sorted(
    [
        *(PROJECT / "deploy").rglob("*.y*ml"),
        *(PROJECT / ".github").rglob("*.yml"),
        PROJECT / "dagster.yaml",
        PROJECT / "workspace.yaml",
        PROJECT / ".pre-commit-config.yaml",
    ]
)
SECRET = re.compile(r"password|passwd|token|secret|key$|_key\b", re.I)
# A name or place of a secret is none: a variable, a file, a Kubernetes object, a switch.
ELSEWHERE = re.compile(r"^(/run/secrets|/srv/|\$\{|via-|true$|false$|key$|secretKeyRef)", re.I)


def _tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(TOOLS / name), *arguments]
    return subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.compose-spec", "deploy/docker-compose.yml"),
        ("vendor.compose-spec", "deploy/docker-compose.workers.yml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/ci.yml"),
    ],
)
def test_it_keeps_to_its_schema(schema: str, file: str) -> None:
    done = _tool("check-jsonschema", "--builtin-schema", schema, file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_and_the_hooks_are_sound() -> None:
    done = _tool("hadolint", "deploy/Dockerfile")
    assert done.returncode == 0, done.stdout
    done = _tool("pre-commit", "validate-config")
    assert done.returncode == 0, done.stdout


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, name)
    elif value is not None:
        yield name, str(value)


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.name)
def test_no_setting_holds_a_secret(path: Path) -> None:
    """A setting that is named like a secret says where it is, never what it is."""
    found = list(_leaves(yaml.safe_load(path.read_text())))
    assert found
    told = [name for name, value in found if SECRET.search(name) and not ELSEWHERE.match(value)]
    assert [name for name in told if name not in ("secrets", "secretName")] == []
    assert not re.search(r"://[^/\s:]+:[^/\s@]+@", path.read_text()), "a password in an address"


def test_every_secret_of_the_compose_file_is_a_file_outside() -> None:
    compose = yaml.safe_load(COMPOSE.read_text())
    used = {name for service in compose["services"].values() for name in service.get("secrets", [])}
    assert used == set(compose["secrets"])
    for secret in compose["secrets"].values():
        assert secret["file"].startswith("${VIA_SECRETS_FOLDER:?")


def test_only_the_code_location_sees_the_data_and_only_nginx_is_reached() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    sees = {
        name
        for name, service in services.items()
        if any(":/srv/data" in volume for volume in service.get("volumes", []))
    }
    keeps = {name for name, service in services.items() if "pseudonym_key" in service["secrets"]}
    assert sees == keeps == {"code"}
    assert {name for name, service in services.items() if "ports" in service} == {"nginx"}
    assert services["nginx"]["ports"] == ["${VIA_ADDRESS:-127.0.0.1}:8443:443"]
    assert {name for name, service in services.items() if "outside" in service["networks"]} == {
        "nginx"
    }
    assert "--read-only" in services["webserver-readonly"]["command"]


def test_nothing_in_the_image_runs_as_root_or_is_unpinned() -> None:
    text = (PROJECT / "deploy" / "Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)", text, re.M)[-1] == "10001:10001"
    assert "--require-hashes -r /tmp/production.txt" in text
    assert not re.search(r"(FROM|image:)\s+\S+:latest", text + COMPOSE.read_text())
    lock = (PROJECT / "requirements" / "production.txt").read_text()
    assert re.search(r"^dagster-postgres==", lock, re.M)
    copied = [word for line in re.findall(r"^COPY ([^-].*)", text, re.M) for word in line.split()]
    ignored = (PROJECT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*" and "data" not in " ".join(ignored), "no delivery gets into an image"
    for name in copied[:-1]:
        if name.startswith("deploy/"):
            assert f"!{name}" in ignored


def test_production_has_the_packages_that_were_tested() -> None:
    """The lock of production is that of a run, with PostgreSQL, Celery and object storage added."""
    folder = PROJECT / "requirements"
    pins = {
        name: set(re.findall(r"^([\w.-]+==[^\s;]+)", (folder / name).read_text(), re.M))
        for name in ("run.txt", "production.txt", "dev.txt")
    }
    assert pins["run.txt"] < pins["production.txt"] <= pins["dev.txt"]
    added = {pin.partition("==")[0] for pin in pins["production.txt"] - pins["run.txt"]}
    celery = {"celery", "kombu", "amqp", "billiard", "vine"}
    storage = {"obstore"}
    shells = {"click-didyoumean", "click-plugins", "click-repl", "prompt-toolkit", "wcwidth"}
    assert {"dagster-postgres", "psycopg2-binary", "dagster-celery"} | celery <= added
    assert (
        added
        <= {"dagster-postgres", "psycopg2-binary", "dagster-celery"} | celery | storage | shells
    )
