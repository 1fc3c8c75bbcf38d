"""A session of Spark that ends, breaks or never begins: the next one is whole, and nothing is left.

Runs where Spark is installed (``make spark``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from via_pipeline.engine import heavy, session
from via_pipeline.engine.session import EngineError

pyspark = pytest.importorskip("pyspark", reason="Spark is not installed: make .venv/.spark")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java: Spark cannot run"),
    pytest.mark.xdist_group("spark"),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation below a folder with a space and a sign in its name."""
    session.stop()
    found = tmp_path / "één plek $HOME"
    (found / "scratch").mkdir(parents=True)
    monkeypatch.setenv("VIA_HOME", str(found))
    monkeypatch.setenv("VIA_ENGINE", "spark")
    monkeypatch.setenv("VIA_SPARK_MASTER", "local[1]")
    yield found
    session.stop()


def answer() -> int:
    with duckdb.connect() as connection:
        text = heavy.counted(connection, "antwoord", "SELECT 40 + 2 AS n")
        return int(connection.execute(text).fetchall()[0][0])


def left(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "scratch").iterdir())


def test_a_path_with_a_space_is_one_path(home: Path) -> None:
    with duckdb.connect() as connection:
        file = home / "een deel.parquet"
        connection.execute("CREATE TABLE t AS SELECT 'via_files_0' AS s, 3 AS n")
        connection.execute(f"COPY t TO '{file}' (FORMAT parquet)")
        connection.execute(
            f"CREATE VIEW v AS SELECT * FROM read_parquet(['{file}']) WHERE s = 'via_files_0'"
        )
        text = heavy.counted(connection, "antwoord", "SELECT s, sum(n) AS n FROM v GROUP BY s")
        assert connection.execute(text).fetchall() == [("via_files_0", 3)]
    assert session._folder is not None and session._folder.parent == home / "scratch"
    session.stop()
    assert left(home) == []


def test_a_second_session_has_its_own_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert session.session().conf.get("spark.master") == "local[1]"
    first = pyspark.SparkContext._gateway.proc
    session.stop()
    assert first.poll() is not None and left(home) == []
    monkeypatch.setenv("VIA_SPARK_MASTER", "local[2]")
    assert session.session().conf.get("spark.master") == "local[2]"
    assert session.session().conf.get("spark.local.dir") == str(session._folder)
    assert answer() == 42


def test_after_java_has_died_the_next_query_has_a_new_one(home: Path) -> None:
    assert answer() == 42
    pyspark.SparkContext._gateway.proc.kill()
    pyspark.SparkContext._gateway.proc.wait()
    with pytest.raises(EngineError, match="Spark"):
        answer()
    assert left(home) == []
    assert answer() == 42


def test_a_session_that_does_not_begin_leaves_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "spark-defaults.conf").write_text("spark.executor.memory veel\n")
    with monkeypatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(tmp_path / "conf"))
        with pytest.raises(EngineError, match="did not start"):
            answer()
    assert left(home) == [] and pyspark.SparkContext._gateway is None
    assert answer() == 42


def test_a_secret_that_cannot_be_read_leaves_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIA_SPARK_MASTER", "spark://127.0.0.1:7077")
    monkeypatch.setenv("VIA_SPARK_SECRET_FILE", str(tmp_path / "niets"))
    with pytest.raises(EngineError, match="secret cannot be read"):
        answer()
    assert left(home) == []


def test_java_of_somebody_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pyspark.SparkContext, "_gateway", object())
        with pytest.raises(EngineError, match="something else"):
            answer()
    assert answer() == 42


def test_a_comma_in_the_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a,b" / "scratch").mkdir(parents=True)
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "a,b"))
    with pytest.raises(EngineError, match="comma"):
        answer()
