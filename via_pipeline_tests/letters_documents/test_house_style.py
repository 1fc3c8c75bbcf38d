"""An installation's own look reaches its packages, and a mistake in it harms none."""

from __future__ import annotations

import hashlib
import json

import odfdo
import pytest

from via_pipeline.letters.documents import ThemeError
from via_pipeline.letters.documents.office import TemplateError
from via_pipeline.letters.package import emit
from via_pipeline_tests.journeys.house import informed


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An installation that knows its register and has no deliveries."""
    return informed(tmp_path_factory.mktemp("huisstijl"))


def content(home):
    folder = home.letters / "eerste"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_package_takes_the_look_of_its_installation(home):
    emit(home, "eerste")
    plain = content(home)
    assert b"#154273" not in plain["bijlage.html"]
    home.house_style.mkdir()
    (home.house_style / "thema.yaml").write_text("kleuren: {koppen: '#154273'}", "utf-8")
    emit(home, "eerste")
    own = content(home)
    assert b"#154273" in own["bijlage.html"]
    assert own["bijlage.pdf"] != plain["bijlage.pdf"]
    # Figures have no look.
    assert {name for name in own if own[name] != plain[name]} <= {
        *(name for name in own if name.startswith(("bijlage", "brief", "grafiek"))),
        "herkomst.json",
        "SHA256SUMS",
    }
    look = home.house_style / "thema.yaml"
    assert json.loads(plain["herkomst.json"])["huisstijl"] == []
    assert json.loads(own["herkomst.json"])["huisstijl"] == [
        {"bestand": look.name, "sha256": hashlib.sha256(look.read_bytes()).hexdigest()}
    ]

    template = odfdo.Document("text")
    template.body.append(odfdo.Paragraph("{{ minister }}"))
    template.save(home.house_style / "brief.odt")
    with pytest.raises(TemplateError, match=r"brief\.odt.*minister"):
        emit(home, "eerste")
    assert content(home) == own

    (home.house_style / "brief.odt").unlink()
    (home.house_style / "thema.yaml").write_text("logo: leeuw.svg", "utf-8")
    with pytest.raises(ThemeError, match="logo"):
        emit(home, "eerste")
    assert content(home) == own
