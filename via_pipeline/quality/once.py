"""Great Expectations asks an expectation for its configuration once per question, not once per key.

Belongs here: three private methods of its class, said again with the configuration taken out of
their loops. Does not belong here: running rules (``engines.py``). GX 1.24 makes the configuration
anew, a copy of the whole model, for every key that it looks up: a third of what validating a small
table takes. The version is pinned, and a test holds these answers against GX's own, rule by rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

OWN: dict[str, Any] = {}
"""GX's own methods by name, once ours stand in their place."""


@cache
def ask_once() -> None:
    """Put the methods in place of GX's own, in this process. Imports Great Expectations."""
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.expectation_configuration import parse_result_format

    def domain(self: Any) -> dict[str, Any]:
        return _of(self, self.configuration.kwargs, self.domain_keys)

    def success(self: Any) -> dict[str, Any]:
        kwargs = self.configuration.kwargs
        return _of(self, kwargs, self.success_keys) | _of(self, kwargs, self.domain_keys)

    def runtime(self: Any, runtime_configuration: dict[str, Any] | None = None) -> dict[str, Any]:
        kwargs = self.configuration.kwargs
        told = _of(self, kwargs | (runtime_configuration or {}), self.runtime_keys)
        found = told | _of(self, kwargs, self.success_keys) | _of(self, kwargs, self.domain_keys)
        found["result_format"] = parse_result_format(found["result_format"])
        return found

    for name, method in (
        ("_get_domain_kwargs", domain),
        ("_get_success_kwargs", success),
        ("_get_runtime_kwargs", runtime),
    ):
        OWN[name] = getattr(Expectation, name)
        setattr(Expectation, name, method)


def _of(expectation: Any, kwargs: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: kwargs.get(key, expectation._get_default_value(key)) for key in keys}
