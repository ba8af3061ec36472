"""A dict that cannot be changed: what methods see of a history is not theirs to change."""

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
