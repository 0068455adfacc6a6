"""The `bottega` command: finds the command asked for, and turns what goes wrong into one line.

What the commands are is up to plugins (`bottega.builtin` has the core's own). Exit codes: 0 done,
1 the run failed, 2 bad usage or input, 3 stopped by a budget or waiting for a person, 130
interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from bottega.cli.group import PluginGroup, debug_option
from bottega.cli.log_records import mask_logs
from bottega.cli.screen import show_error
from bottega.errors import BottegaError, InputError
from bottega.escape import mask, plain

PROGRAM = "bottega"
INTERRUPTED = 130


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"bottega {version('bottega')}")
        ctx.exit()


bottega = PluginGroup(
    name=PROGRAM,
    help="Teams of agents that work on a task: run them, watch them, extend them.",
    epilog='Completion in bash: eval "$(_BOTTEGA_COMPLETE=bash_source bottega)"',
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        debug_option(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version and exit.",
        ),
    ],
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit the process."""
    mask_logs()
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return what to exit with, having said on standard error what failed."""
    options = list(arguments)[: list(arguments).index("--") if "--" in arguments else None]
    debug, as_json = "--debug" in options, "--json" in options
    try:
        code = bottega.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort as abort:
        return _aborted(abort, as_json)
    except click.ClickException as error:
        return _usage(error, as_json)
    except BottegaError as error:
        _trace(debug)
        show_error(error, as_json=as_json)
        return error.exit_code
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:  # noqa: BLE001  # the boundary: no traceback unless it was asked for
        _trace(debug)
        show_error(_internal(error, debug), as_json=as_json)
        return 1
    return code if isinstance(code, int) else 0


def _aborted(abort: click.exceptions.Abort, as_json: bool) -> int:
    if isinstance(abort.__cause__, EOFError):
        error = InputError("the input ended before the question was answered")
        show_error(error, as_json=as_json)
        return error.exit_code
    return INTERRUPTED


def _usage(error: click.ClickException, as_json: bool) -> int:
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"see `{error.ctx.command_path} --help`"
    show_error(InputError(error.format_message(), hint=hint), as_json=as_json)
    return error.exit_code if isinstance(error, click.UsageError) else 2


def _internal(error: Exception, debug: bool) -> BottegaError:
    from bottega.plugin.failure import describe

    hint = "" if debug else "run again with --debug for the traceback"
    return BottegaError(f"internal error: {describe(error)}", hint=hint)


def _trace(debug: bool) -> None:
    if debug:
        import traceback

        click.echo(plain(mask(traceback.format_exc())), err=True, nl=False)


def _reader_gone() -> int:
    """Leave quietly when whoever read the output stopped, as `head` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the last flush must not fail
    return 1
