"""The look of the documents, read from ``theme.yaml`` and from a ministry's own house style.

Belongs here: colours, fonts, sizes and where templates lie. Does not belong here: drawing or laying
out anything. A house style is a folder, ``<data>/huisstijl``, with any of ``thema.yaml``,
``brief.docx`` and ``brief.odt``; what it does not hold comes from this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
_FILE = _HERE / "theme.yaml"
_TEMPLATES = _HERE / "templates"


class ThemeError(ValueError):
    """A house style cannot be used: a key that does not exist, a font file that is not there."""


@dataclass(frozen=True)
class Theme:
    """A look. ``fonts`` are the files of the annex's typeface, one per weight and slope."""

    language: str
    colours: Mapping[str, Any]
    family: str
    fallback: tuple[str, ...]
    fonts: tuple[Path, ...]
    sizes: Mapping[str, float]
    docx: Path
    odt: Path

    @property
    def series(self) -> list[str]:
        """Colours of groups in a chart, in order."""
        return list(self.colours["reeks"])


def load(house_style: Path | None = None) -> Theme:
    """The theme, with what the folder ``house_style`` replaces.

    Raises:
        ThemeError: ``thema.yaml`` has a key that is not in ours, or a font file is missing.
    """
    data = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    own = house_style / "thema.yaml" if house_style is not None else None
    if own is not None and own.exists():
        data = _merged(data, yaml.safe_load(own.read_text(encoding="utf-8")) or {}, "")
    face = data["lettertype"]
    return Theme(
        language=data["taal"],
        colours=data["kleuren"],
        family=face["familie"],
        fallback=tuple(face["terugval"]),
        fonts=_fonts(face, house_style),
        sizes=data["maten"],
        docx=_template("brief.docx", house_style),
        odt=_template("brief.odt", house_style),
    )


def _merged(base: Mapping[str, Any], own: Mapping[str, Any], path: str) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        # `map` has no value of ours: our font comes from a package.
        if key not in base and f"{path}{key}" != "lettertype.map":
            raise ThemeError(f"thema.yaml: '{path}{key}' is not a setting of the theme")
        inner = merged.get(key)
        is_group = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(inner, value, f"{path}{key}.") if is_group else value
    return merged


def _fonts(face: Mapping[str, Any], house_style: Path | None) -> tuple[Path, ...]:
    if face.get("map") and house_style is not None:
        folder = house_style / face["map"]
    else:
        folder = Path(str(resources.files(face["pakket"]))) / "files"
    found = tuple(folder / name for name in face["bestanden"])
    for path in found:
        if not path.is_file():
            raise ThemeError(f"thema.yaml: the font file '{path.name}' is not in '{folder.name}'")
    return found


def _template(name: str, house_style: Path | None) -> Path:
    own = house_style / name if house_style is not None else None
    return own if own is not None and own.exists() else _TEMPLATES / name
