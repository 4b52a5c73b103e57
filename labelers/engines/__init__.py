"""Engines by name. Importing this package imports no model library."""

from labelers.engines.base import Engine
from labelers.engines.local import LocalEngine
from labelers.engines.openai import OpenAIEngine
from labelers.engines.scripted import ScriptedEngine
from web.registry import lookup

ENGINES: dict[str, type[Engine]] = {
    engine.name: engine for engine in (LocalEngine, OpenAIEngine, ScriptedEngine)
}


def get_engine(name: str) -> type[Engine]:
    """Return the engine class of this name; UnknownName lists the known ones."""
    return lookup("engine", ENGINES, name)
