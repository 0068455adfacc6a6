"""What plugins offer: checked, kept apart by name, and made on request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from dummy_distribution import discovered, errors_of, write_distribution

from bottega.errors import (
    InputError,
    NotInstalledError,
    PluginError,
    ToolError,
    UnknownNameError,
)
from bottega.messages import ToolCall
from bottega.model import ToolSpec
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.plugin.spec import hookimpl
from bottega.tools import Tool, tool


def offer(
    name: str = "thing", factory: Callable[..., Any] = lambda context: "x", **rest: Any
) -> Offer:
    return Offer(name=name, summary=rest.pop("summary", "A thing."), factory=factory, **rest)


class Prompts:
    """A plugin whose hook returns what it is given."""

    def __init__(self, *offers: Any) -> None:
        self.offers = offers
        self.asked = 0

    @hookimpl
    def bottega_prompts(self) -> Iterable[Any]:
        self.asked += 1
        return self.offers


class Tools:
    """A plugin with one tool."""

    def __init__(self, factory: Callable[..., Any], **rest: Any) -> None:
        self.factory, self.rest = factory, rest

    @hookimpl
    def bottega_tools(self) -> Iterable[Offer]:
        return [offer("gadget", self.factory, **self.rest)]


def with_tool(factory: Callable[..., Any], **rest: Any) -> tuple[PluginManager, FactoryContext]:
    plugins = PluginManager()
    plugins.register(Tools(factory, **rest), "workshop")
    return plugins, FactoryContext(plugins=plugins)


@tool
def gadget(text: str) -> str:
    """Say it back."""
    return text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return None", "returned NoneType, expected offers"),
        ("return Offer(name='a', summary='A.', factory=print)", "returned Offer, expected offers"),
        ("return {'a': 1}", "returned dict, expected offers"),
        ("return 'offers'", "returned str, expected offers"),
        ("yield Offer(name='a', summary='A.', factory=print)\n    1 / 0", "ZeroDivisionError"),
        ("raise SystemExit", "raised SystemExit"),
        ("import asyncio\n    return asyncio.sleep(0)", "returned an awaitable"),
        ("return ['a']", "returned str among its offers"),
        (
            "import itertools\n    return itertools.repeat(0)",
            "more than 1000 offers",
        ),
    ],
)
def test_names_a_hook_that_breaks_its_promise(tmp_path: Path, body: str, expected: str) -> None:
    write_distribution(tmp_path, "broken", f"@hookimpl\ndef bottega_tools():\n    {body}\n")
    plugins = discovered(tmp_path)
    (error,) = errors_of(plugins, "broken")
    assert "bottega_tools" in error
    assert expected in error
    assert "native" in plugins.offers("dialect")


def test_gives_up_a_hook_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTTEGA_PLUGIN_TIMEOUT", "0.3")
    write_distribution(tmp_path, "slow", "@hookimpl\ndef bottega_tools():\n    while True: pass")
    plugins = discovered(tmp_path)
    assert "'bottega_tools' is not over after 0.3 s" in errors_of(plugins, "slow")[0]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (offer("Thing"), "'Thing' is no offer name"),
        (offer(""), "'' is no offer name"),
        (offer("a:b"), "is no offer name"),
        (offer("x" * 200), "is no offer name"),
        (offer("p\u0430ypal"), "U+0430"),
        (offer("a\u202eb"), "U+202E"),
        (offer("a\u200bb"), "U+200B"),
        (offer(7), "the offer name is int 7, expected text"),  # type: ignore[arg-type]
        (offer(summary="Two\nlines."), "not one line"),
        (offer(summary="  "), "not one line"),
        (offer(summary="x" * 1000), "has 1000 characters"),
        (offer(factory="text"), "factory of offer 'thing' is str"),  # type: ignore[arg-type]
        (offer(details="text"), "`details` is a tuple"),
        (offer(extra=None), "`extra` a name"),
        (offer(settings=["KEY"]), "`settings` maps"),
    ],
)
def test_refuses_one_bad_offer_and_keeps_the_rest(bad: Offer, expected: str) -> None:
    plugins = PluginManager()
    plugins.register(Prompts(offer("before"), bad, offer("after")), "mixed")
    (failure,) = plugins.failures
    assert expected in f"{failure.error}; {failure.hint}"
    assert "bottega_prompts" in failure.error
    assert str(failure).isascii()
    assert list(plugins.offers("prompt")) == ["after", "before"]


def test_of_two_offers_with_one_name_the_first_stays() -> None:
    plugins = PluginManager()
    plugins.register(Prompts(offer("terse", lambda context: "first")), "one")
    plugins.register(Prompts(offer("terse", lambda context: "second"), offer("other")), "two")
    (failure,) = plugins.failures
    assert failure.plugin == "two"
    assert "prompt 'terse' is already offered by plugin 'one'" in failure.error
    assert plugins.make("prompt", "terse", FactoryContext(plugins=plugins)) == "first"
    assert plugins.find("prompt", "other").plugin == "two"


def test_bottegas_own_offers_are_not_overridden(tmp_path: Path) -> None:
    source = """
    @hookimpl
    def bottega_dialects():
        return [Offer(name="native", summary="Mine.", factory=lambda context: None)]
    """
    write_distribution(tmp_path, "aaa-usurper", source)
    plugins = discovered(tmp_path)
    assert plugins.find("dialect", "native").distribution == "bottega"
    (error,) = errors_of(plugins, "aaa_usurper")
    assert "already offered by plugin 'core' (bottega" in error


def test_one_name_may_be_offered_in_several_kinds() -> None:
    plugins, _ = with_tool(lambda context: gadget)
    plugins.register(Prompts(offer("gadget")), "prompts")
    assert not plugins.failures


def test_calls_each_hook_once() -> None:
    plugins = PluginManager()
    asked = Prompts(offer())
    plugins.register(asked, "asked")
    for number in range(3):
        plugins.offers("prompt")
        plugins.register(object(), f"other-{number}")
        assert not plugins.failures
    assert asked.asked == 1


def test_an_unknown_name_says_what_is_near() -> None:
    plugins, context = with_tool(lambda context: gadget)
    with pytest.raises(UnknownNameError, match="did you mean 'gadget'") as caught:
        plugins.make("tool", "gadgets", context)
    assert caught.value.exit_code == 2


def test_an_unknown_name_says_that_a_plugin_failed(tmp_path: Path) -> None:
    write_distribution(tmp_path, "broken", "1 / 0")
    with pytest.raises(UnknownNameError, match=r"some plugins failed .*'broken'"):
        discovered(tmp_path).find("tool", "teleport")


def test_puts_what_follows_the_colon_in_the_context() -> None:
    plugins = PluginManager()
    plugins.register(Prompts(offer("say", lambda context: f"<{context.argument}>")), "sayings")
    context = FactoryContext(plugins=plugins, argument="of another")
    assert plugins.make("prompt", "say:a:b", context) == "<a:b>"
    assert plugins.make("prompt", "say", context) == "<>"
    assert plugins.find("prompt", "say:x").offer.name == "say"


def test_a_factory_can_make_another_thing() -> None:
    plugins = PluginManager()
    inner = offer("inner", lambda context: "inside")
    outer = offer("outer", lambda context: context.make("prompt", "inner") + " out")
    plugins.register(Prompts(inner, outer), "nested")
    assert plugins.make("prompt", "outer", FactoryContext(plugins=plugins)) == "inside out"


def test_a_factory_that_makes_itself_is_an_error() -> None:
    plugins = PluginManager()
    plugins.register(Prompts(offer("self", lambda context: context.make("prompt", "self"))), "loop")
    with pytest.raises(PluginError, match="RecursionError"):
        plugins.make("prompt", "self", FactoryContext(plugins=plugins))


def _with_options(context: FactoryContext, docs: str, *, limit: int = 5) -> Tool:
    return gadget


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"dcos": "papers"}, "tool 'gadget' has no option 'dcos' (did you mean 'docs'?)"),
        ({}, "tool 'gadget' needs the option 'docs'"),
        ({"docs": "papers", "context": 1}, "has no option 'context'"),
    ],
)
def test_checks_options_before_the_factory_is_called(
    options: dict[str, Any], expected: str
) -> None:
    plugins, context = with_tool(_with_options)
    with pytest.raises(InputError) as caught:
        plugins.make("tool", "gadget", context, **options)
    assert expected in str(caught.value)
    assert caught.value.exit_code == 2


def test_says_that_there_are_no_options() -> None:
    plugins, context = with_tool(lambda context: gadget)
    with pytest.raises(InputError, match="it takes no options"):
        plugins.make("tool", "gadget", context, docs="papers")


def test_passes_options_on() -> None:
    seen: dict[str, Any] = {}

    def factory(context: FactoryContext, **options: Any) -> Tool:
        seen.update(options)
        return gadget

    plugins, context = with_tool(factory)
    assert plugins.make("tool", "gadget", context, docs="papers", k=3) is gadget
    assert seen == {"docs": "papers", "k": 3}


def test_a_factory_without_a_context_is_the_plugins_error() -> None:
    plugins, context = with_tool(lambda: gadget)
    with pytest.raises(PluginError, match="does not take the context"):
        plugins.make("tool", "gadget", context)


def test_a_missing_library_is_the_pip_command(tmp_path: Path) -> None:
    source = """
    def make(context):
        import library_that_nobody_has
    @hookimpl
    def bottega_tools():
        return [Offer(name="needy", summary="Needs more.", factory=make, extra="full")]
    """
    write_distribution(tmp_path, "needy-plugin", source)
    plugins = discovered(tmp_path)
    with pytest.raises(NotInstalledError) as caught:
        plugins.make("tool", "needy", FactoryContext(plugins=plugins))
    assert str(caught.value) == (
        "library_that_nobody_has is not installed: pip install 'needy-plugin[full]'"
    )
    assert caught.value.exit_code == 2


def test_a_missing_module_of_the_plugin_itself_is_its_error(tmp_path: Path) -> None:
    source = """
    def make(context):
        import torn_plugin.tool
    @hookimpl
    def bottega_tools():
        return [Offer(name="torn", summary="Torn.", factory=make, extra="full")]
    """
    write_distribution(tmp_path, "torn-plugin", source)
    plugins = discovered(tmp_path)
    with pytest.raises(
        PluginError, match=r"tool 'torn' of plugin 'torn_plugin' \(torn-plugin 1.0\)"
    ):
        plugins.make("tool", "torn", FactoryContext(plugins=plugins))


def _raise(error: BaseException) -> Callable[..., Any]:
    def factory(context: FactoryContext) -> Any:
        raise error

    return factory


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(3), GeneratorExit()])
def test_names_the_plugin_whose_factory_raises(error: BaseException) -> None:
    plugins, context = with_tool(_raise(error))
    with pytest.raises(
        PluginError, match=f"plugin 'workshop' failed: {type(error).__name__}"
    ) as caught:
        plugins.make("tool", "gadget", context)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [ToolError("no key", hint="set KEY"), KeyboardInterrupt()])
def test_lets_errors_with_a_meaning_through(error: BaseException) -> None:
    plugins, context = with_tool(_raise(error))
    with pytest.raises(type(error)) as caught:
        plugins.make("tool", "gadget", context)
    assert caught.value is error


async def _async(context: FactoryContext) -> Tool:
    return gadget


class Fat(Tool):
    """A tool whose schema is as large as it says."""

    name, description = "fat", "Fat."

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    @property
    def spec(self) -> ToolSpec:  # type: ignore[override]
        return ToolSpec(name="fat", description="Fat.", parameters=self.parameters)

    def run(self) -> str:
        return ""


def _circular() -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {"child": schema}
    return schema


def _deep(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    ("factory", "expected"),
    [
        (lambda context: None, "made NoneType, expected bottega.Tool"),
        (lambda context: "gadget", "made str, expected bottega.Tool"),
        (lambda context: Tool, "made the class Tool"),
        (_async, "factory is async"),
        (lambda context: Fat({"enum": ["x" * 100] * 700}), "over 64 KB"),
        (lambda context: Fat(_circular()), "not finite JSON"),
        (lambda context: Fat(_deep(5000)), "not finite JSON"),
        (lambda context: Fat({"default": float("nan")}), "not finite JSON"),
        (lambda context: Fat([]), "schema of its arguments is list"),
    ],
)
def test_names_the_plugin_that_made_the_wrong_thing(factory: Any, expected: str) -> None:
    plugins, context = with_tool(factory)
    with pytest.raises(PluginError, match="tool 'gadget' of plugin 'workshop'") as caught:
        plugins.make("tool", "gadget", context)
    assert expected in str(caught.value)


def test_a_recursive_schema_that_is_finite_json_is_fine() -> None:
    node = {"type": "object", "properties": {"child": {"$ref": "#/$defs/Node"}}}
    made = Fat({"type": "object", "$defs": {"Node": node}})
    plugins, context = with_tool(lambda context: made)
    assert plugins.make("tool", "gadget", context) is made


def test_what_was_made_outlives_its_plugin() -> None:
    plugins, context = with_tool(lambda context: gadget)
    made = plugins.make("tool", "gadget", context)
    plugins.unregister("workshop")
    assert made("still here") == "still here"
    with pytest.raises(UnknownNameError):
        plugins.find("tool", "gadget")
    with pytest.raises(UnknownNameError):
        plugins.unregister("workshop")


def test_unregistering_a_plugin_does_not_stop_a_run_that_uses_it() -> None:
    from bottega.agent import Agent
    from bottega.testing import ScriptedModel, call

    plugins, context = with_tool(lambda context: gadget)
    made = plugins.make("tool", "gadget", context)

    def then_unregister(request: Any) -> Any:
        plugins.unregister("workshop")
        return call("gadget", text="still here")

    agent = Agent("worker", model=ScriptedModel(then_unregister, "said it"), tools=[made])
    result = asyncio.run(agent.arun("say it"))
    assert result.answer == "said it"
    assert ToolCall  # the call went through the loop
    assert any(getattr(event, "content", "") == "still here" for event in result.events)
