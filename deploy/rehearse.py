"""``make rehearsal``: build the image, start the compose file, run a night in it, take it down.

    python deploy/rehearse.py            as root on Debian, with podman, runc and mmdebstrap

It needs no registry of images. The three images that others publish are stood in for by one made of
Debian's own packages (``mmdebstrap``), with an entrypoint that does what the compose file counts
on; everything else is what ships: ``Dockerfile``, ``docker-compose.yml``, nginx's template, and the
commands of docs/deploy.md for the secrets. What it shows: the image is built from the hash-pinned
lock; six containers come up; without a password nobody comes in, and each password opens its own
half; who may look cannot start a run; a nightly run that is started through the proxy goes by
daemon and code location and ends well; nothing but nginx is reached; the data, the key and a way
out are nowhere but where they belong; no secret is in a log.

Belongs here: the rehearsal. Does not belong here: a setting of production. What it cannot show is
written in docs/deploy.md.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
COMPOSE = PROJECT / "deploy" / "docker-compose.yml"
PACKAGES = (
    "ca-certificates,python3,python3-venv,python-is-python3,postgresql,nginx-light,gettext-base"
)
TRUST = Path("/etc/ssl/certs/ca-certificates.crt")
ADDRESS = "https://127.0.0.1:8443"
SERVICES = ("db", "code", "webserver", "webserver-readonly", "daemon", "nginx")
OPERATOR, READER = ("anna", "een"), ("bram", "twee")
NIGHT_SECONDS = 1800

_BASE = """FROM localhost/via-rehearsal
COPY trust.crt /etc/ssl/certs/ca-certificates.crt
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt
"""
_DB = """FROM localhost/via-rehearsal
RUN usermod -o -u 999 postgres
COPY db.sh /db.sh
ENTRYPOINT ["sh", "/db.sh"]
"""
_NGINX = """FROM localhost/via-rehearsal
RUN useradd -o -u 101 nginx && sed -i "s/^user .*/user nginx;/" /etc/nginx/nginx.conf
COPY nginx.sh /nginx.sh
ENTRYPOINT ["sh", "/nginx.sh"]
"""
_STANDINS = {
    "docker.io/library/python:3.11-slim-bookworm": _BASE,
    "docker.io/library/postgres:17-bookworm": _DB,
    "docker.io/library/nginx:1.28-bookworm": _NGINX,
}
_DB_START = r"""set -eu
bin=$(echo /usr/lib/postgresql/*/bin) data=/var/lib/postgresql/data
export PATH="$bin:$PATH"
mkdir -p "$data" && chown postgres "$data"
if [ ! -s "$data/PG_VERSION" ]; then
  su postgres -c "$bin/initdb --username=$POSTGRES_USER --pwfile=$POSTGRES_PASSWORD_FILE \
    $POSTGRES_INITDB_ARGS --pgdata=$data"
  echo "CREATE DATABASE $POSTGRES_DB" | su postgres -c "$bin/postgres --single -D $data postgres"
  echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
fi
exec su postgres -c "exec $bin/postgres -D $data -c listen_addresses='*'"
"""
_NGINX_START = r"""set -eu
names=$(env | cut -d= -f1 | grep -E "$NGINX_ENVSUBST_FILTER" | sed 's/.*/${&}/' | tr '\n' ' ')
for file in /etc/nginx/templates/*.template; do
  envsubst "$names" < "$file" > "/etc/nginx/conf.d/$(basename "$file" .template)"
done
rm -f /etc/nginx/sites-enabled/default
exec nginx -g 'daemon off;'
"""
_SECRETS = """set -eu
umask 077
openssl rand -hex 32 > pseudonym.key
openssl rand -hex 24 > pg_password
echo "db:5432:dagster:dagster:$(cat pg_password)" > pgpass
echo "anna:$(openssl passwd -6 een)" > operators.htpasswd
echo "bram:$(openssl passwd -6 twee)" > readers.htpasswd
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout tls.key -out tls.crt
chown 10001 pseudonym.key pgpass; chown 999 pg_password; chown 101 *.htpasswd
"""
_LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) {
  __typename ... on LaunchRunSuccess { run { runId } } } }"""
_STATUS = """query($i: ID!) { runOrError(runId: $i) { ... on Run { status
  stats { ... on RunStatsSnapshot { stepsSucceeded stepsFailed } } } } }"""
_LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
  locationOrLoadError { __typename } } } } }"""
_NIGHT = {
    "p": {
        "selector": {
            "repositoryLocationName": "via_pipeline",
            "repositoryName": "__repository__",
            "pipelineName": "nightly_refresh",
        },
        "runConfigData": {},
    }
}


class Wrong(RuntimeError):
    """Something is not as promised."""


def run(*command: str, env: Mapping[str, str], input: str | None = None, check=True) -> str:
    """Output of a command.

    Raises:
        Wrong: it failed.
    """
    done = subprocess.run(  # noqa: S603 - our own commands
        command, env=env, cwd=PROJECT, input=input, text=True, stdout=-1, stderr=-2, check=False
    )
    if check and done.returncode:
        raise Wrong(f"{' '.join(command[:4])} ...: {done.stdout[-2000:]}")
    return done.stdout


def held(is_so: bool, what: str) -> None:
    """Tell that ``what`` holds.

    Raises:
        Wrong: it does not.
    """
    if not is_so:
        raise Wrong(what)
    print(f"ok  {what}", flush=True)


def ask(path: str, who: tuple[str, str] | None, query: str | None = None, **variables) -> dict:
    """Status, and the answer where there is one, of the proxy."""
    request = urllib.request.Request(ADDRESS + path)  # noqa: S310 - https
    if who:
        told = base64.b64encode(":".join(who).encode()).decode()
        request.add_header("Authorization", f"Basic {told}")
    if query:
        request.data = json.dumps({"query": query, "variables": variables}).encode()
        request.add_header("Content-Type", "application/json")
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # signed by this script
    try:
        with urllib.request.urlopen(request, context=trust, timeout=120) as answer:  # noqa: S310
            return {"status": answer.status, **(json.load(answer) if query else {})}
    except urllib.error.HTTPError as error:
        return {"status": error.code}
    except OSError:
        return {"status": 0}


def until(seconds: float, true, what: str) -> None:
    """Wait for ``true()``.

    Raises:
        Wrong: it did not become true within ``seconds``.
    """
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise Wrong(f"not within {seconds:.0f} s: {what}")
        time.sleep(5)
    print(f"ok  {what}", flush=True)


def images(folder: Path, env: Mapping[str, str]) -> None:
    """The three stand-ins, and our own image from the Dockerfile."""
    root = folder / "root.tar"
    run("mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root), env=env)
    run("podman", "import", "--quiet", str(root), "localhost/via-rehearsal", env=env)
    (folder / "db.sh").write_text(_DB_START)
    (folder / "nginx.sh").write_text(_NGINX_START)
    shutil.copyfile(TRUST, folder / "trust.crt")
    build = ("podman", "build", "--quiet", "--isolation", "chroot", "--pull=never")
    for number, (name, recipe) in enumerate(_STANDINS.items()):
        path = folder / f"Standin{number}"
        path.write_text(recipe)
        run(*build, "-f", str(path), "-t", name, str(folder), env=env)
    name = "docker.io/library/via_pipeline:rehearsal"
    run(*build, "--network", "host", "-f", "deploy/Dockerfile", "-t", name, ".", env=env)
    print("ok  the image is built from the Dockerfile and the lock", flush=True)


def place(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Secrets as docs/deploy.md makes them, the sample deliveries; the compose file's settings."""
    secrets, data, releases = folder / "secrets", folder / "data", folder / "uitgaven"
    secrets.mkdir(mode=0o711)
    run("sh", "-c", f"cd '{secrets}'\n{_SECRETS}", env=env)
    shutil.copytree(PROJECT / "data", data, ignore=shutil.ignore_patterns("uitgaven"))
    releases.mkdir()
    for path in (releases, data, *data.rglob("*")):
        os.chown(path, 10001, 10001)
    return {
        **env,
        "VIA_SECRETS_FOLDER": str(secrets),
        "VIA_DATA_FOLDER": str(data),
        "VIA_RELEASES_FOLDER": str(releases),
        "VIA_SERVER_NAME": "localhost",
        "VIA_VERSION": "rehearsal",
    }


def night(env: Mapping[str, str]) -> None:
    """Who gets in, a run through the proxy, and what is where."""
    until(300, lambda: ask("/", OPERATOR)["status"] == 200, "an operator comes in at the proxy")
    held(ask("/", None)["status"] == 401, "nobody comes in without a password")
    held(ask("/", READER)["status"] == 401, "a reader's password does not open the desk")
    held(ask("/kijken/", READER)["status"] == 200, "it opens the desk that is read-only")
    until(
        300,
        lambda: '"RepositoryLocation"' in json.dumps(ask("/graphql", OPERATOR, _LOADED)),
        "the webserver has the definitions of the code location",
    )
    refused = ask("/kijken/graphql", READER, _LAUNCH, **_NIGHT)
    held("UnauthorizedError" in json.dumps(refused), "a reader cannot start a run")
    launched = ask("/graphql", OPERATOR, _LAUNCH, **_NIGHT)
    held("LaunchRunSuccess" in json.dumps(launched), "an operator starts the night")
    number = launched["data"]["launchRun"]["run"]["runId"]
    state: dict = {}

    def ended() -> bool:
        state.update(
            ask("/graphql", OPERATOR, _STATUS, i=number).get("data", {}).get("runOrError", {})
        )
        return state.get("status") in ("SUCCESS", "FAILURE", "CANCELED")

    until(NIGHT_SECONDS, ended, "the night ends")
    held(state["status"] == "SUCCESS", f"and ends well ({state['stats']['stepsSucceeded']} steps)")

    def inside(service: str, command: str) -> str:
        return run("podman", "exec", f"via_{service}_1", "sh", "-c", command, env=env, check=False)

    held("via.duckdb" in inside("code", "ls /srv/home/serve/latest"), "the BI file is there")
    held("drwx------" in inside("code", "ls -ld /srv/home/lake"), "the lake is for its owner only")
    for service in ("webserver", "webserver-readonly", "daemon"):
        held(
            inside(service, "ls /run/secrets").split() == ["pgpass"]
            and "No such file" in inside(service, "ls /srv/data"),
            f"{service} has neither key nor data",
        )
    out = "python -c 'import socket; socket.create_connection((\"192.0.2.1\", 80), 3)'"
    held("nreachable" in inside("code", out), "the code location has no way out")
    held("Read-only" in inside("code", "touch /srv/via/x"), "no file of the image can be written")
    secrets = Path(env["VIA_SECRETS_FOLDER"])
    logs = "".join(run("podman", "logs", f"via_{name}_1", env=env) for name in SERVICES)
    for name in ("pg_password", "pseudonym.key"):
        held((secrets / name).read_text().strip() not in logs, f"{name} is in no log")


def main() -> int:
    """0 when all of it held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--built", action="store_true", help="the images are there from before")
    given = parser.parse_args()
    missing = [name for name in ("podman", "runc", "mmdebstrap") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        print(f"This needs root on Debian, and: apt install podman runc mmdebstrap {missing or ''}")
        return 2
    compose = (str(Path(sys.executable).parent / "podman-compose"), "-f", str(COMPOSE))
    with tempfile.TemporaryDirectory(prefix="via-rehearsal-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)
        settings = folder / "containers.conf"
        settings.write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]\n'
            '[engine]\nruntime = "runc"\n'
        )
        env = {**os.environ, "CONTAINERS_CONF": str(settings)}
        try:
            if not given.built:
                images(folder, env)
            env = place(folder, env)
            # One after another: podman before version 5 cannot wait for a healthy one by itself.
            run(*compose, "up", "--no-build", "--detach", "db", env=env)
            ready = ("podman", "exec", "via_db_1", "pg_isready", "-d", "dagster", "-U", "dagster")
            until(
                120, lambda: "accepting" in run(*ready, env=env, check=False), "the database is up"
            )
            run(*compose, "up", "--no-build", "--detach", env=env)
            night(env)
        except Wrong as wrong:
            print(f"WRONG {wrong}")
            return 1
        finally:
            run(*compose, "down", "--volumes", env=env, check=False)
    print("The rehearsal went well.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
