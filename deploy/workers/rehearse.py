"""``make workers``: a night shared by workers, over a real broker and database; one is killed.

    python -m deploy.workers.rehearse       on Debian, with postgresql and rabbitmq-server

PostgreSQL and RabbitMQ of Debian's on free ports of localhost, Dagster's daemon, and two workers,
each in a process group of its own, with the settings that ship (``dagster.yaml``,
``rabbitmq.conf``). In order:

1. a run is queued while no worker is there, and its message is read: it holds no secret;
2. the workers start, and ``take_in`` is done by one of them;
3. the sensor asks for a count of every peildatum; both workers count, at the same time;
4. ``nightly_refresh`` is begun; its worker is killed (SIGKILL, the whole group) in the middle; run
   monitoring notices, Dagster tries again, the other worker ends the night;
5. what BI reads is what ``via run`` makes on another installation in one process, to the last byte;
6. no key and no password is in any log, nor in the database.

Exit code 1 when any of it is not so. Belongs here: that order. Does not belong here: a setting of
production, but for one: run monitoring looks every 5 seconds here, not every 60.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from faults import house
from via_pipeline.storage.home import Home
from via_pipeline_tests.deploy import postgres

HERE = Path(__file__).parent
RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
WORKERS = ("een", "twee")
LIMIT_SECONDS = 900
_TASK = r"^\[(.{23}): .* Task execute_job\[(\S+)\] "
LOCATION = ("-w", "workspace.yaml")


class NotSo(RuntimeError):
    """Something that the rehearsal is there to show is not so."""


def say(text: str) -> None:
    """One line of what was seen."""
    print(text, flush=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def until(what: str, seen: Callable[[], object], seconds: float = LIMIT_SECONDS) -> None:
    """Wait until ``seen`` gives something true.

    Raises:
        NotSo: it did not within ``seconds``.
    """
    end = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > end:
            raise NotSo(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.5)


@contextlib.contextmanager
def group(
    command: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A command as the leader of a process group, which is gone when the block ends."""
    with log.open("ab") as told:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=house.PROJECT, env=dict(environment), stdout=told,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        for sign, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[str]:
    """RabbitMQ with the settings that ship; its address, with a user of its own."""
    port, password = _free_port(), secrets.token_hex(16)
    folder.mkdir(mode=0o700)
    (folder / "rabbitmq.conf").write_text(
        (HERE / "rabbitmq.conf").read_text()
        + f"\nlisteners.tcp.1 = 127.0.0.1:{port}\ndefault_user = via\ndefault_pass = {password}\n"
        "default_vhost = via\n"
    )
    (folder / "enabled_plugins").write_text("[].\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"via{port}@localhost",
        "RABBITMQ_DIST_PORT": str(_free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(_free_port()),
    }

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    with group([str(RABBIT)], environment, folder / "log"):
        until("the broker answers", answers, 90)
        yield f"amqp://via:{password}@127.0.0.1:{port}/via"


def waiting(address: str) -> list[bytes]:
    """The messages that wait in the queue; they stay there. No queue yet, no message."""
    from amqp.exceptions import NotFound
    from kombu import Connection

    found: list[bytes] = []
    with (
        contextlib.suppress(NotFound),
        Connection(address) as connection,
        connection.channel() as channel,
    ):
        while (message := channel.basic_get("dagster")) is not None:
            found.append(f"{message.body!r} {message.headers!r}".encode())
    return found  # what was not acknowledged goes back when the channel closes


def published(home: Home) -> dict[str, str]:
    """What BI reads: hash by file."""
    return {
        path.relative_to(home.latest).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.latest.rglob("*"))
        if path.is_file()
    }


class Desk:
    """Dagster as an operator at the desk sees it: starts runs, looks how they stand."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.environment = dict(environment)
        self.log = log

    def dagster(self, *arguments: str) -> None:
        """A command of Dagster's, which must end well."""
        command = [sys.executable, "-m", "dagster", *arguments]
        with self.log.open("ab") as told:
            done = subprocess.run(  # noqa: S603
                command, cwd=house.PROJECT, env=self.environment, stdout=told,
                stderr=subprocess.STDOUT, timeout=LIMIT_SECONDS, check=False,
            )  # fmt: skip
        if done.returncode != 0:
            raise NotSo(f"dagster {' '.join(arguments)} ended with {done.returncode}")

    def launch(self, job: str) -> None:
        """Queue a run, as the button in the UI does."""
        self.dagster("job", "launch", *LOCATION, "--job", job)

    def runs(self, job: str) -> list[dict[str, object]]:
        """The runs of ``job``, oldest first: status, begin and end, the worker that had it."""
        import dagster as dg

        with dg.DagsterInstance.get() as instance:
            found = []
            for record in reversed(instance.get_run_records(dg.RunsFilter(job_name=job))):
                found.append(
                    {
                        "id": record.dagster_run.run_id,
                        "status": record.dagster_run.status.value,
                        "partition": record.dagster_run.tags.get("dagster/partition"),
                        "retry_of": record.dagster_run.parent_run_id,
                        "start": record.start_time,
                        "end": record.end_time,
                    }
                )
            return found

    def ended(self, job: str, status: str = "SUCCESS") -> bool:
        """Whether the last run of ``job`` ended so.

        Raises:
            NotSo: it ended otherwise.
        """
        last = self.runs(job)[-1]
        if last["status"] in ("FAILURE", "CANCELED") and status == "SUCCESS":
            raise NotSo(f"{job} ended with {last['status']}")
        return last["status"] == status


def worker_of(run_id: str, logs: Mapping[str, Path]) -> str | None:
    """The worker whose processes have the run's id in their log."""
    for name, log in logs.items():
        if run_id in log.read_text(errors="replace"):
            return name
    return None


def tasks(log: Path) -> list[tuple[str, str]]:
    """When a worker got each task and when it ended it, from its log; oldest first."""
    text = log.read_text(errors="replace")
    got, ended = (
        {task: at for at, task in re.findall(_TASK + what, text, re.M)}
        for what in ("received", "succeeded")
    )
    return sorted((got[task], end) for task, end in ended.items())


def rehearse(folder: Path) -> None:
    """All of it, below ``folder``.

    Raises:
        NotSo: what it is there to show is not so.
    """
    home = house.place(folder / "shared")
    shutil.copytree(house.PROJECT / "data" / "landing", home.landing, dirs_exist_ok=True)
    house.environment(home)
    dagster_home = folder / "dagster"
    dagster_home.mkdir()
    settings = (HERE / "dagster.yaml").read_text()
    (dagster_home / "dagster.yaml").write_text(
        settings.replace("poll_interval_seconds: 60", "poll_interval_seconds: 5")
    )
    logs = {name: folder / f"{name}.log" for name in WORKERS}
    with postgres.running() as server, broker(folder / "broker") as address:
        os.environ |= {
            "DAGSTER_HOME": str(dagster_home),
            "DAGSTER_PG_URL": server.url,
            "PGPASSFILE": str(server.pass_file(folder / "pgpass")),
            "VIA_BROKER_URL": address,
            "VIA_RESULTS_URL": f"db+{server.url}",
        }
        environment = dict(os.environ)
        desk = Desk(environment, folder / "desk.log")

        def worker(name: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
            command = [sys.executable, "-m", "celery", "--app", "via_pipeline.worker", "worker",
                       "--hostname", f"{name}@%h", "--loglevel", "INFO"]  # fmt: skip
            return group(command, environment, logs[name])

        with group(
                   [str(Path(sys.executable).with_name("dagster-daemon")), "run", *LOCATION],
                   environment, folder / "daemon.log"):  # fmt: skip
            desk.launch("take_in")
            until("the run is in the broker's queue", lambda: waiting(address), 180)
            messages = waiting(address)
            hidden = (house.KEY, server.password, address.split(":")[2].split("@")[0])
            if any(text.encode() in message for text in hidden for message in messages):
                raise NotSo("a message to a worker holds a secret")
            say(f"1. {len(messages)} message of {len(messages[0])} bytes waits; no secret in it")

            with contextlib.ExitStack() as stack:
                at_work = {name: stack.enter_context(worker(name)) for name in WORKERS}
                until("take_in ends", lambda: desk.ended("take_in"))
                first = worker_of(str(desk.runs("take_in")[-1]["id"]), logs)
                say(f"2. take_in was done by worker {first}")

                desk.dagster("sensor", "start", "new_people", *LOCATION)
                until("a count is asked for", lambda: desk.runs("count_peildatum"), 180)
                until(
                    "all counts end",
                    lambda: all(r["status"] == "SUCCESS" for r in desk.runs("count_peildatum")),
                )
                counted = desk.runs("count_peildatum")
                by = {str(run["partition"]): worker_of(str(run["id"]), logs) for run in counted}
                spans = sorted(
                    span for log in logs.values() for span in tasks(log)[-len(counted) :]
                )
                at_once = any(a[1] > b[0] for a, b in pairwise(spans))
                say(f"3. counted: {by}; two at the same time: {at_once}")
                if set(by.values()) != set(WORKERS) or not at_once:
                    raise NotSo("the peildata were not shared by both workers")

                desk.launch("nightly_refresh")
                until("the night is begun", lambda: desk.ended("nightly_refresh", "STARTED"), 300)
                run = str(desk.runs("nightly_refresh")[-1]["id"])
                until("its worker tells of it", lambda: worker_of(run, logs), 60)
                victim = str(worker_of(run, logs))
                time.sleep(10)
                os.killpg(at_work[victim].pid, signal.SIGKILL)
                killed = time.monotonic()
                until(
                    "the dead run is failed",
                    lambda: desk.runs("nightly_refresh")[0]["status"] == "FAILURE",
                    300,
                )
                noticed = time.monotonic() - killed
                until("it is tried again", lambda: len(desk.runs("nightly_refresh")) == 2, 300)
                until("the night ends", lambda: desk.ended("nightly_refresh"))
                again = worker_of(str(desk.runs("nightly_refresh")[-1]["id"]), logs)
                say(
                    f"4. worker {victim} was killed in the night; noticed after {noticed:.0f} s, "
                    f"ended well by worker {again} after {time.monotonic() - killed:.0f} s"
                )
                if again == victim:
                    raise NotSo("the log of a dead worker tells of the second try")

        alone = house.place(folder / "alone")
        shutil.copytree(house.PROJECT / "data" / "landing", alone.landing, dirs_exist_ok=True)
        plain = {k: v for k, v in environment.items() if not k.startswith("DAGSTER_")}
        plain |= {"VIA_HOME": str(alone.root), "VIA_DATA": str(alone.data)}
        done = subprocess.run(
            [sys.executable, "-m", "via_pipeline.cli", "run"], cwd=house.PROJECT, env=plain,
            capture_output=True, timeout=LIMIT_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise NotSo(f"via run ended with {done.returncode}")
        here, there = published(home), published(alone)
        other = sorted(
            name for name in here.keys() | there.keys() if here.get(name) != there.get(name)
        )
        if other:
            raise NotSo(f"BI reads other bytes than from one process: {other[:5]}")
        say(f"5. {len(here)} files that BI reads are those of one process, to the last byte")

        texts = {path.name: path.read_bytes() for path in folder.glob("*.log")}
        texts["database"] = subprocess.run(  # noqa: S603
            [str(postgres.programs() / "pg_dump"), "--dbname", server.plain_url],  # type: ignore[operator]
            env=environment, capture_output=True, timeout=120, check=True,
        ).stdout  # fmt: skip
        told = [name for name, text in texts.items() for word in hidden if word.encode() in text]
        if told:
            raise NotSo(f"a key or a password is told in {sorted(set(told))}")
        say(f"6. no key and no password in {len(texts)} logs and the database")


def main() -> int:
    """Rehearse in a folder that is removed afterwards, or kept when something was not so."""
    if not RABBIT.exists() or postgres.programs() is None:
        say("postgresql and rabbitmq-server are needed (Debian: apt install ...)")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="via-workers-"))
    try:
        rehearse(folder)
    except NotSo as error:
        say(f"not so: {error}; what was told is in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
