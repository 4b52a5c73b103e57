"""Engines by name. Importing this package imports no model library."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from labelers.engines.base import Engine
from labelers.engines.local import LocalEngine
from labelers.engines.openai import OpenAIEngine
from labelers.engines.scripted import ScriptedEngine
from web.registry import lookup

ENGINES: dict[str, type[Engine]] = {
    engine.name: engine for engine in (LocalEngine, OpenAIEngine, ScriptedEngine)
}


class EngineNotStarted(RuntimeError):
    """An engine cannot be made ready to draw; the message says why."""


def get_engine(name: str) -> type[Engine]:
    """Return the engine class of this name; UnknownName lists the known ones."""
    return lookup("engine", ENGINES, name)


def kept_engine(name: str, config: Mapping[str, Any]) -> Engine:
    """Return the engine, made or kept from the last time: loading a model takes long.

    Raises EngineNotStarted, which says why, and UnknownName.
    """
    return _kept_engine(name, orjson.dumps(dict(config), option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=1)
def _kept_engine(name: str, config_json: bytes) -> Engine:
    engine_class = get_engine(name)
    try:
        return engine_class(**orjson.loads(config_json))
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise EngineNotStarted(f"the engine {name!r} does not start: {error}") from error
