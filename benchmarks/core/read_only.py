"""Dicts and lists that cannot be changed: what methods see of a history is not theirs to change."""

from __future__ import annotations

from typing import Any, NoReturn


class ReadOnly(dict[str, Any]):
    """A dict whose changes raise a ``TypeError``; ``dict(config)`` gives a copy to change."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("configs of a history are read-only: change a copy, dict(config)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[ReadOnly], tuple[dict[str, Any]]]:
        return ReadOnly, (dict(self),)


class ReadOnlyList(list[Any]):
    """A list whose changes raise a ``TypeError``; ``list(values)`` gives a copy to change."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("notes of a history are read-only: change a copy, list(values)")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[type[ReadOnlyList], tuple[list[Any]]]:
        return ReadOnlyList, (list(self),)


def read_only(value: Any) -> Any:
    """Return JSON-able values as read-only copies, at any depth."""
    if isinstance(value, dict):
        return ReadOnly({key: read_only(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return ReadOnlyList(map(read_only, value))
    return value
