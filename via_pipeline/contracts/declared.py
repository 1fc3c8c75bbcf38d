"""YAML files of our own that declare something: measures, analysis plans, disclosure rules.

Belongs here: reading one and holding it to its pydantic model. Does not belong here: what any of
them says, and the contracts, which have a standard of their own (``model``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

# PyYAML's C parser is some fifteen times as fast as its Python one.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

T = TypeVar("T")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Declared(BaseModel):
    """Base of what is declared: a field that the model does not know is an error, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read(path: Path, kind: type[T], error: type[ValueError]) -> T:
    """The content of ``path`` as ``kind`` (a model, or a type over models such as a dict).

    Raises:
        error: not YAML, or not as the model says; the message names the file and every problem.
        FileNotFoundError: there is no such file.
    """
    try:
        said = yaml.load(path.read_text(encoding="utf-8"), LOADER)  # noqa: S506 (a safe one)
        return TypeAdapter(kind).validate_python(said)
    except yaml.YAMLError as problem:
        raise error(f"{path.name}: not valid YAML: {problem}") from problem
    except ValidationError as problem:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}"
            for item in problem.errors()
        )
        raise error(f"{path.name}: {problems}") from problem
