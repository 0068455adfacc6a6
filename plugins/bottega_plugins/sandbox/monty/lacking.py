"""What this Python has not got and a whole Python has, read from an error.

For a list see https://github.com/pydantic/monty: generators, `del`, much of the standard library,
files. An error that a whole Python would raise as well is no lack.
"""

from __future__ import annotations

import builtins
import re
import sys

_SYNTAX = re.compile(r"monty syntax parser does not (?:yet )?support (?:the )?(?P<what>.+?)\.?$")
_MODULE = re.compile(r"^No module named '(?P<name>[\w.]+)'")
_NAME = re.compile(r"^name '(?P<name>\w+)' is not defined")
_ATTRIBUTE = re.compile(
    r"^(?:module '(?P<module>[\w.]+)'|(?:type object )?'(?P<type>\w+)'(?: object)?) has no "
    r"attribute '(?P<name>\w+)'"
)
_FROM = re.compile(r"^cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'")
_NOT_YET = re.compile(r"(?:not (?:yet )?(?:supported|implemented)|not supported in)", re.IGNORECASE)
_LISTS = "'list' object is not an iterator"
_SYSTEM = ("Permission denied", "is not supported in this environment")


def lacking(kind: str, message: str) -> str:
    """Return what is lacking, in a few words; empty where nothing is."""
    reader = _READERS.get(kind)
    return reader(message) if reader else ""


def _syntax(message: str) -> str:
    found = _SYNTAX.search(message)
    if found:
        return found["what"]
    return message.partition("\n")[0][:80] if _NOT_YET.search(message) else ""


def _name(message: str) -> str:
    found = _NAME.match(message)
    return f"{found['name']}()" if found and hasattr(builtins, found["name"]) else ""


def _type(message: str) -> str:
    return "generators: what should be one is a list" if message == _LISTS else ""


def _system(message: str) -> str:
    return "files and the system" if any(one in message for one in _SYSTEM) else ""


def _import(message: str) -> str:
    found = _MODULE.match(message)
    if found:
        name = found["name"]
        standard = name.partition(".")[0] in sys.stdlib_module_names
        return f"the module {name}" if standard else ""
    found = _FROM.match(message)
    if found and found["module"].partition(".")[0] in sys.stdlib_module_names:
        return f"{found['module']}.{found['name']}"
    return ""


def _attribute(message: str) -> str:
    found = _ATTRIBUTE.match(message)
    if found is None:
        return ""
    name, module, kind = found["name"], found["module"], found["type"]
    if module:
        standard = module.partition(".")[0] in sys.stdlib_module_names
        return f"{module}.{name}" if standard else ""
    return f"{kind}.{name}" if hasattr(getattr(builtins, kind, None), name) else ""


_READERS = {
    "NotImplementedError": _syntax,
    "SyntaxError": _syntax,
    "ModuleNotFoundError": _import,
    "ImportError": _import,
    "NameError": _name,
    "AttributeError": _attribute,
    "TypeError": _type,
    "PermissionError": _system,
    "RuntimeError": _system,
}
