"""Model replies as JSON, for journals and recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from bottega.messages import Citation, Json, citation_to_json
from bottega.model import End, RawCall, Reply, Tokens, Usage


def reply_to_json(reply: Reply) -> dict[str, Json]:
    """Return the reply as a JSON object; `reply_from_json` reads it back unchanged."""
    end = reply.end
    return {
        "text": reply.text,
        "thought": reply.thought,
        "calls": [[call.id, call.name, call.arguments] for call in reply.calls],
        "finish": end.finish,
        "usage": [end.usage.input_tokens, end.usage.output_tokens],
        "cost": end.cost,
        "model": end.model,
        "tokens": asdict(end.tokens) if end.tokens else None,
        "citations": [citation_to_json(citation) for citation in end.citations],
    }


def reply_from_json(data: Mapping[str, Json]) -> Reply:
    """Read what `reply_to_json` wrote."""
    sent, received = data["usage"]
    end = End(
        finish=data["finish"],
        usage=Usage(input_tokens=sent, output_tokens=received),
        cost=data.get("cost"),
        model=data["model"],
        tokens=_tokens(data["tokens"]),
        citations=tuple(Citation(**item) for item in data.get("citations", ())),
    )
    calls = tuple(RawCall(id=c[0], name=c[1], arguments=c[2]) for c in data["calls"])
    return Reply(text=data["text"], thought=data["thought"], calls=calls, end=end)


def _tokens(data: Mapping[str, Json] | None) -> Tokens | None:
    if data is None:
        return None
    return Tokens(
        prompt_ids=tuple(data["prompt_ids"]),
        completion_ids=tuple(data["completion_ids"]),
        logprobs=tuple(data["logprobs"]),
        template_hash=data["template_hash"],
        adapter_hash=data["adapter_hash"],
    )
