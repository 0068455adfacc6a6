"""`bottega new plugin NAME`: the first files of a plugin, complete and tested."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from string import Template

import click

from bottega.cli.screen import show
from bottega.errors import InputError, StorageError

_TEMPLATES = Path(__file__).parent / "templates" / "plugin"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_PREFIX = "bottega-"


@click.group()
def new() -> None:
    """Write the first files of a plugin."""


@new.command()
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Where to write its folder; the current one if not given.",
)
def plugin(name: str, folder: Path) -> None:
    """Write a package with a plugin called NAME: a tool, its tests, and how Bottega finds it."""
    short = _checked(name)
    names = _names(short)
    target = folder / names["distribution"]
    if target.exists():
        raise InputError(f"{target} is already there", hint="nothing was written")
    _write(target, names)
    show(f"wrote {target}: a plugin {short!r} with the tool {names['tool']!r}")
    show(f"next: cd {target} && pip install -e '.[dev]' && pytest && bottega plugins")


def _checked(name: str) -> str:
    """Return the plugin's own name, without the prefix of its distribution. Raises InputError."""
    short = name.removeprefix(_PREFIX)
    if not _NAME.fullmatch(short) or len(short) > 50:
        raise InputError(
            f"{name[:80]!r} is no plugin name",
            hint="lower-case ASCII letters, digits and single hyphens, such as word-count",
        )
    return short


def _names(short: str) -> dict[str, str]:
    """Return what the templates call the package. Raises InputError when it would hide another."""
    from bottega import __version__

    word = short.replace("-", "_")
    module = f"bottega_{word}"
    if find_spec(module) is not None:
        raise InputError(
            f"a module {module!r} is already installed here", hint="choose another name"
        )
    return {
        "distribution": f"{_PREFIX}{short}",
        "module": module,
        "plugin": short,
        "tool": f"{word}_words",
        "version": __version__,
    }


def _write(target: Path, names: dict[str, str]) -> None:
    package = Path("src") / names["module"]
    files = {
        "pyproject.toml": Path("pyproject.toml"),
        "README.md": Path("README.md"),
        "module.py": package / "__init__.py",
        "tool.py": package / "tool.py",
        "test.py": Path("tests") / f"test_{names['module']}.py",
    }
    try:
        for template, path in files.items():
            text = (_TEMPLATES / f"{template}.txt").read_text("utf-8")
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(Template(text).substitute(names), "utf-8")
        (target / package / "py.typed").touch()
    except OSError as error:
        raise StorageError(f"{error.filename} cannot be written: {error.strerror}") from error
