"""Inventories for intersphinx, made without a network.

Sphinx fetches an inventory of every project that it links to. Where the site is built the network
is closed, so the few names that we link to are listed in `links.toml` with the address that their
project gives them, and written as inventories before each build. To link to one more name, add it
there; a name that its package does not have is an error, and so is a link to a name that is not
listed (`nitpicky`).
"""

import tomllib
import zlib
from importlib import import_module, metadata
from inspect import isclass, ismodule, isroutine
from pathlib import Path
from types import ModuleType
from typing import Any


def _find(name: str) -> tuple[Any, Any]:
    """Return the object of this name and what it is in."""
    parts = name.split(".")
    owner: Any = None
    found: Any = import_module(parts[0])
    for i, part in enumerate(parts[1:], 2):
        owner = found
        try:
            found = getattr(owner, part)
        except AttributeError:
            found = import_module(".".join(parts[:i]))
    return found, owner


def _role(name: str) -> str:
    found, owner = _find(name)
    if ismodule(found):
        return "module"
    if isclass(found):
        return "class"
    if not isinstance(owner, ModuleType):
        return "method" if callable(found) else "attribute"
    return "function" if isroutine(found) or callable(found) else "data"


def _inventory(project: str, version: str, entries: list[tuple[str, str, str]]) -> bytes:
    head = (
        "# Sphinx inventory version 2\n"
        f"# Project: {project}\n"
        f"# Version: {version}\n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    lines = [f"{name} {role} 1 {page} -\n" for name, role, page in entries]
    return head.encode() + zlib.compress("".join(lines).encode(), 9)


def intersphinx_mapping_from(table: Path, into: Path) -> dict[str, tuple[str, str]]:
    """Write the inventories that `table` lists, and return what Sphinx wants to know of them."""
    into.mkdir(exist_ok=True)
    mapping = {}
    for project, given in tomllib.loads(table.read_text()).items():
        entries = []
        for name in given["names"]:
            page = given["page"].format(name=name, top=name.rsplit(".", 1)[0])
            entries.append((name, f"py:{_role(name)}", given.get("pages", {}).get(name, page)))
        file = into / f"{project}.inv"
        package = given.get("distribution")
        version = metadata.version(package) if package else ""
        file.write_bytes(_inventory(project, version, entries))
        mapping[project] = (given["url"], str(file))
    return mapping
