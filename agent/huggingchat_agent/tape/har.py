"""A tape as an HTTP archive (HAR 1.2), which browsers and other tools open."""

from __future__ import annotations

import datetime
from base64 import b64encode
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import huggingchat_agent
from huggingchat_agent.tape.format import is_text

if TYPE_CHECKING:
    from huggingchat_agent.tape.summary import Exchange, Summary


def make_har(summary: Summary) -> dict[str, Any]:
    """The archive as a JSON object. `_chunks` has seconds and bytes of each chunk."""
    begun = datetime.datetime.fromisoformat(summary.recording.header.begun)
    creator = {"name": "huggingchat-agent", "version": huggingchat_agent.__version__}
    log: dict[str, Any] = {
        "version": "1.2",
        "creator": creator,
        "pages": _list_pages(summary, begun),
        "entries": [_make_entry(each, begun, summary.ends) for each in summary.exchanges],
    }
    if summary.browser:
        name, _, version = summary.browser.rpartition(" ")
        log["browser"] = {"name": name or "Chromium", "version": version}
    return {"log": log}


def _list_pages(summary: Summary, begun: datetime.datetime) -> list[dict[str, Any]]:
    first: dict[str, float] = {}
    for exchange in summary.exchanges:
        first.setdefault(exchange.request.page, exchange.request.at)
    timings = {"onContentLoad": -1, "onLoad": -1}
    return [
        {"startedDateTime": _format_moment(begun, at), "id": page, "title": page, "pageTimings": timings}
        for page, at in first.items()
    ]


def _make_entry(exchange: Exchange, begun: datetime.datetime, ends: float) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    answered = response.at if response else exchange.failed.at if exchange.failed else ends
    over = exchange.ended or (exchange.failed.at if exchange.failed else ends)
    wait, receive = 1000 * (answered - request.at), 1000 * max(over - answered, 0.0)
    entry: dict[str, Any] = {
        "pageref": request.page,
        "startedDateTime": _format_moment(begun, request.at),
        "time": wait + receive,
        "request": _make_request(exchange),
        "response": _make_response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": receive},
        "_resourceType": request.kind,
    }
    if len(exchange.cuts) > 1:
        entry["_chunks"] = [[round(at - request.at, 6), size] for at, size in exchange.cuts]
    return entry


def _make_request(exchange: Exchange) -> dict[str, Any]:
    request = exchange.request
    body = request.body
    fields: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": _format_version(exchange),
        "cookies": [],
        "headers": _list_headers(request.headers),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": 0 if not request.has_body else -1 if body is None else len(body),
    }
    if body is not None:
        mime = request.headers.get("content-type", "application/octet-stream")
        fields["postData"] = {"mimeType": mime, "params": [], "text": body.decode("utf-8", "replace")}
    return fields


def _make_response(exchange: Exchange) -> dict[str, Any]:
    response, failed = exchange.response, exchange.failed
    fields: dict[str, Any] = {
        "status": response.status if response else 0,
        "statusText": _find_phrase(response.status) if response else "",
        "httpVersion": _format_version(exchange),
        "cookies": [],
        "headers": _list_headers(response.headers) if response else [],
        "content": _make_content(exchange),
        "redirectURL": response.headers.get("location", "") if response else "",
        "headersSize": -1,
        "bodySize": -1,
    }
    if failed is not None:
        fields["_error"] = failed.reason
    return fields


def _make_content(exchange: Exchange) -> dict[str, Any]:
    mime = exchange.response.mime if exchange.response else ""
    if exchange.messages:
        # An EventSource reports its messages, not its bytes.
        text = "".join(_format_event(each.event, each.last_id, each.data) for each in exchange.messages)
        return {"size": len(text.encode()), "mimeType": mime, "text": text}
    body = bytes(exchange.body)
    content: dict[str, Any] = {"size": len(body), "mimeType": mime}
    if not body:
        return content
    if is_text(mime):
        return {**content, "text": body.decode("utf-8", "replace")}
    return {**content, "text": b64encode(body).decode(), "encoding": "base64"}


def _format_event(event: str, last_id: str, data: str) -> str:
    lines = [f"id: {last_id}"] if last_id else []
    lines += [f"event: {event}"] if event not in ("", "message") else []
    lines += [f"data: {line}" for line in data.split("\n")]
    return "\n".join(lines) + "\n\n"


def _list_headers(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, held in headers.items() for value in held.split("\n")]


def _format_version(exchange: Exchange) -> str:
    protocol = exchange.response.protocol if exchange.response else ""
    return {"h2": "HTTP/2", "h3": "HTTP/3"}.get(protocol, protocol.upper() or "unknown")


def _find_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _format_moment(begun: datetime.datetime, at: float) -> str:
    return (begun + datetime.timedelta(seconds=at)).isoformat(timespec="milliseconds")
