"""Many small cases in few tests: what pytest does around a test takes longer than such a case itself."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

_Test = Callable[..., None]


def batched(names: str, cases: Iterable[Any], parts: int = 1) -> Callable[[_Test], _Test]:
    """As `pytest.mark.parametrize`, but with all cases in ``parts`` tests.

    A test runs every case of its part and names each that failed, with what it said. What else a check asks for are
    pytest fixtures, one for a whole part: none of them may be changed by a case.
    """
    wanted = [name.strip() for name in names.split(",")]
    listed = [_case(one, len(wanted)) for one in cases]
    assert len(listed) >= parts, "no case"

    def decorate(check: _Test) -> _Test:
        def test(part: int, **fixtures: Any) -> None:
            tried = listed[part::parts]
            failed = [
                f"{label}\n{said}"
                for label, values in tried
                if (said := _failure(check, fixtures | dict(zip(wanted, values, strict=True))))
            ]
            assert not failed, f"{len(failed)} of {len(tried)} failed:\n\n" + "\n\n".join(failed)

        own = inspect.signature(check).parameters.values()
        part = inspect.Parameter("part", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        test.__signature__ = inspect.Signature([part, *(one for one in own if one.name not in wanted)])  # type: ignore[attr-defined]
        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        test.__dict__.update(check.__dict__)
        return pytest.mark.parametrize("part", range(parts))(test)

    return decorate


def _case(one: Any, many: int) -> tuple[str, tuple[Any, ...]]:
    """The label of a case and its values."""
    if hasattr(one, "values") and hasattr(one, "marks"):  # made by pytest.param
        assert not one.marks, "a case in a batch has no marks"
        return one.id or " ".join(map(_label, one.values)), tuple(one.values)
    values = tuple(one) if many > 1 else (one,)
    return " ".join(map(_label, values)), values


def _label(value: Any) -> str:
    if isinstance(value, (str, Path)):
        return str(value)
    return str(getattr(value, "name", None) or repr(value))[:200]


def _failure(check: _Test, values: dict[str, Any]) -> str:
    """What a failed case said; nothing where it passed or was skipped."""
    try:
        check(**values)
    except pytest.skip.Exception:
        return ""
    except Exception:
        return traceback.format_exc()
    return ""
