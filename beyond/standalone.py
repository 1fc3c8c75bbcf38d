"""A Spark standalone cluster on this machine: a master and two workers, on hosts if we may.

Belongs here: starting it, killing one worker, ending all of it. Does not belong here: what runs on
it. As root each worker stands in a network namespace with an address of its own, joined by a
bridge: to Spark these are two hosts that share a disk. Without root they are two processes on the
loopback address. It is authenticated and encrypted, as a cluster of the ministry's must be.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Of this process only: two proofs at once do not meet.
BRIDGE, NET = f"via{os.getpid() % 10**6}", f"10.213.{os.getpid() % 254 + 1}"
WORKERS = 2
MEMORY = "1g"
LIMIT_SECONDS = 90


class NoCluster(RuntimeError):
    """The cluster did not start; the message says what is missing."""


@dataclass
class Cluster:
    """A cluster that runs. ``are_hosts``: its workers have a network address of their own each."""

    master: str
    environment: dict[str, str]
    are_hosts: bool
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill(self, number: int) -> None:
        """End worker ``number`` and its executors at once, as a machine that falls over."""
        process = self.workers[number]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def cluster(folder: Path, memory: str = MEMORY) -> Iterator[Cluster]:
    """A cluster below ``folder``, of workers with one core and ``memory`` each; ended afterwards.

    Raises:
        NoCluster: Java or pyspark is missing, or master or workers do not come up.
    """
    spark = _spark_home()
    # Asked to stop, it stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "secret"
    _private(secret, secrets.token_hex(32))
    with ExitStack() as after:
        hosts = _hosts(after) if _may_have_hosts() else None
        here = f"{NET}.1" if hosts else "127.0.0.1"
        port = _free(here)
        settings = folder / "daemons.conf"
        _private(settings, _conf({
            "spark.authenticate": "true",
            "spark.authenticate.secret": secret.read_text(encoding="ascii"),
            "spark.network.crypto.enabled": "true",
            "spark.master.ui.killEnabled": "false",
            "spark.worker.cleanup.enabled": "true",
        }))  # fmt: skip
        defaults = folder / "conf"
        defaults.mkdir(exist_ok=True)
        (defaults / "spark-defaults.conf").write_text(_conf({
            "spark.driver.host": here,
            "spark.driver.bindAddress": here,
            "spark.driver.memory": "1g",
            "spark.executor.memory": memory,
            "spark.executor.cores": "1",
            "spark.sql.shuffle.partitions": "8",
        }), encoding="ascii")  # fmt: skip
        environment = {
            "VIA_SPARK_MASTER": f"spark://{here}:{port}",
            "VIA_SPARK_SECRET_FILE": str(secret),
            "SPARK_CONF_DIR": str(defaults),
            "SPARK_HOME": str(spark),
        }
        found = Cluster(environment["VIA_SPARK_MASTER"], environment, hosts is not None)
        _start(after, folder / "master", spark, settings, [], [
            "org.apache.spark.deploy.master.Master", "--host", here, "--port", str(port),
            "--webui-port", "0"])  # fmt: skip
        _wait(here, port)
        for number in range(WORKERS):
            prefix = ["ip", "netns", "exec", hosts[number]] if hosts else []
            own = f"{NET}.{11 + number}" if hosts else "127.0.0.1"
            place = folder / f"worker{number}"
            found.workers.append(_start(after, place, spark, settings, prefix, [
                "org.apache.spark.deploy.worker.Worker", "--host", own, "--cores", "1",
                "--memory", memory, "--webui-port", "0", "--work-dir", str(place / "work"),
                found.master]))  # fmt: skip
        _registered(folder, found)
        yield found


def _spark_home() -> Path:
    if shutil.which("java") is None:
        raise NoCluster("Spark needs Java 17 (Debian: apt install openjdk-17-jre-headless)")
    try:
        import pyspark
    except ImportError:
        raise NoCluster("pyspark is not installed here: make .venv/.spark") from None
    return Path(pyspark.__file__).parent


def _private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)


def _conf(told: dict[str, str]) -> str:
    return "".join(f"{name} {value}\n" for name, value in told.items())


def _may_have_hosts() -> bool:
    return os.geteuid() == 0 and shutil.which("ip") is not None


def _hosts(after: ExitStack) -> list[str] | None:
    """Two network namespaces on one bridge; None where this machine does not allow it."""
    names = [f"{BRIDGE}{number}" for number in range(WORKERS)]
    _clear(names)
    after.callback(_clear, names)
    steps = [
        f"ip link add {BRIDGE} type bridge",
        f"ip addr add {NET}.1/24 dev {BRIDGE}",
        f"ip link set {BRIDGE} up",
    ]
    for number, name in enumerate(names):
        steps += [
            f"ip netns add {name}",
            f"ip link add {name}a type veth peer name {name}b",
            f"ip link set {name}a master {BRIDGE} up",
            f"ip link set {name}b netns {name}",
            f"ip -n {name} addr add {NET}.{11 + number}/24 dev {name}b",
            f"ip -n {name} link set {name}b up",
            f"ip -n {name} link set lo up",
        ]
    for step in steps:
        if subprocess.run(step.split(), capture_output=True, check=False).returncode:  # noqa: S603
            _clear(names)
            return None
    return names


def _clear(names: list[str]) -> None:
    ends = [f"ip link del {name}a" for name in names]
    for step in [*ends, *(f"ip netns del {name}" for name in names), f"ip link del {BRIDGE}"]:
        subprocess.run(step.split(), capture_output=True, check=False)  # noqa: S603


def _start(
    after: ExitStack, folder: Path, spark: Path, settings: Path, prefix: list[str],
    command: list[str],
) -> subprocess.Popen[bytes]:  # fmt: skip
    """One of Spark's own processes, in a group of its own with a folder that only we may read."""
    local = folder / "local"
    local.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    where, *rest = command
    java = ["java", "-Xmx256m", "-cp", f"{spark}/jars/*", where, "--properties-file", str(settings)]
    log = (folder / "log").open("wb")
    after.callback(log.close)
    process = subprocess.Popen(  # noqa: S603 - Spark's own programs
        [*prefix, *java, *rest], stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "SPARK_HOME": str(spark), "SPARK_LOCAL_DIRS": str(local),
             # The wheel of pyspark has no RELEASE file, from which a worker would know.
             "SPARK_SCALA_VERSION": "2.13"},
    )  # fmt: skip
    after.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started; what is gone already is gone."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
    except ProcessLookupError:
        return
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)  # executors outlive their worker for a moment
    except ProcessLookupError:
        return


def _free(host: str) -> int:
    with socket.socket() as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])


def _wait(host: str, port: int) -> None:
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until:
        with socket.socket() as asked:
            asked.settimeout(1)
            if asked.connect_ex((host, port)) == 0:
                return
        time.sleep(0.3)
    raise NoCluster(f"no master answers on {host}:{port}")


def _registered(folder: Path, found: Cluster) -> None:
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until:
        logs = [folder / f"worker{number}" / "log" for number in range(WORKERS)]
        if all("Successfully registered" in log.read_text(errors="replace") for log in logs):
            return
        if any(worker.poll() is not None for worker in found.workers):
            break
        time.sleep(0.3)
    raise NoCluster(f"the workers did not come up; see {folder}/worker*/log")
