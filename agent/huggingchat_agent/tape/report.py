"""A tape as one HTML file that opens anywhere without a network. What went wrong comes first."""

from __future__ import annotations

import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from huggingchat_agent.tape import plot
from huggingchat_agent.tape.summary import describe_outcome
from huggingchat_agent.tape.timeline import format_size

if TYPE_CHECKING:
    from huggingchat_agent.tape.summary import Exchange, Summary, ToolCall, Turn

LONGEST_TEXT = 20_000  # characters shown of one body
MOMENTS = ("start", "first token", "end")

# The page may fetch nothing, whatever an answer contains.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
# Like the app, but without pictures (they are on other hosts), and with HTML as text.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


def render_report(summary: Summary) -> str:
    """The whole page."""
    header = summary.recording.header
    style = (Path(__file__).parent / "report.css").read_text("utf-8")
    title = f"Tape of {escape(header.base_url)}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{_render_head(summary)}
<main>
{_render_troubles(summary)}
{_render_conversation(summary)}
{_render_timeline(summary)}
{_render_console(summary)}
</main>
<footer>Recorded by huggingchat-agent {escape(header.agent)}, secrets left out.</footer>
</body>
</html>
"""


def _render_head(summary: Summary) -> str:
    header, troubles = summary.recording.header, summary.troubles
    begun = datetime.datetime.fromisoformat(header.begun)
    facts = [
        f"{begun:%d %B %Y, %H:%M:%S} UTC",
        summary.browser,
        f"engine {header.engine}" if header.engine else "",
    ]
    tokens = sum(len(turn.tokens) for turn in summary.turns)
    firsts = [turn.first_token for turn in summary.turns if turn.first_token is not None]
    tiles = [
        ("bad" if troubles else "good", str(len(troubles)), "trouble" if len(troubles) == 1 else "troubles"),
        ("", str(len(summary.turns)), "turn" if len(summary.turns) == 1 else "turns"),
        ("", f"{tokens:,}", "tokens"),
        ("", f"{1000 * sorted(firsts)[len(firsts) // 2]:.0f} ms" if firsts else "–", "to the first token"),
        ("", str(len(summary.exchanges)), "requests"),
        ("", f"{summary.ends:.1f} s", "in all"),
    ]
    shown = "".join(
        f'<div class="tile {kind}"><b>{value}</b><span>{name}</span></div>' for kind, value, name in tiles
    )
    return (
        f'<header><div><div class="kicker">Tape</div><h1>{escape(header.base_url)}</h1>'
        f'<div class="facts">{" · ".join(escape(each) for each in facts if each)}</div>'
        f'<div class="tiles">{shown}</div></div></header>'
    )


def _render_troubles(summary: Summary) -> str:
    if not summary.troubles:
        return ""
    rows = "".join(f"<li>{_render_time(at)}<span>{escape(text)}</span></li>" for at, text in summary.troubles)
    return f'<section id="troubles"><h2>What went wrong</h2><ul class="troubles">{rows}</ul></section>'


def _render_conversation(summary: Summary) -> str:
    if not summary.turns:
        return ""
    turns = "".join(map(_render_turn, summary.turns))
    return f'<section id="conversation"><h2>Conversation</h2>{turns}</section>'


def _render_turn(turn: Turn) -> str:
    facts = [f"<b>Turn {_render_number(turn)}</b>", _render_time(turn.at)]
    if turn.via:
        facts.append(f"<span>sent by {escape(turn.via)}</span>")
    if turn.first_token is not None:
        facts.append(f"<span>first token after {1000 * turn.first_token:.0f} ms</span>")
    if turn.tokens:
        facts.append(f"<span>{len(turn.tokens):,} tokens</span>")
    if turn.speed:
        facts.append(f"<span>{turn.speed:.0f} a second</span>")
    parts = [f'<div class="turn-head">{"".join(facts)}</div>']
    if turn.prompt:
        parts.append(f'<div class="prompt">{escape(turn.prompt)}</div>')
    if turn.reasoning:
        parts.append(
            f'<details class="thought"><summary>Reasoning</summary><p>{escape(turn.reasoning)}</p></details>'
        )
    parts += map(_render_tool, turn.tools.values())
    parts.append(f'<div class="answer">{_MARKDOWN.render(turn.text)}</div>')
    if turn.error:
        parts.append(f'<div class="failed">{escape(turn.error)}</div>')
    parts.append(_render_pictures(turn))
    if len(turn.tokens) > 1:
        moments = [at for at, _ in turn.tokens]
        parts.append(f'<div class="plots">{plot.plot_speed(moments)}{plot.plot_gaps(turn.at, moments)}</div>')
    return f'<article id="turn-{_render_number(turn)}">{"".join(parts)}</article>'


def _render_tool(call: ToolCall) -> str:
    bad = " bad" if call.error else ""
    shown = "".join(
        f"<pre>{escape(_shorten(each))}</pre>" for each in (call.arguments, call.result, call.error) if each
    )
    return f'<details class="thought{bad}"><summary>Tool {escape(call.tool)}</summary>{shown}</details>'


def _render_pictures(turn: Turn) -> str:
    shown = [_render_picture(turn, moment) for moment in MOMENTS if moment in turn.pictures]
    return f'<div class="film">{"".join(shown)}</div>' if shown else ""


def _render_picture(turn: Turn, moment: str) -> str:
    """A picture. A click shows it as large as the window, another click anywhere small again."""
    picture = turn.pictures[moment]
    name = f"picture-{_render_number(turn)}-{moment.replace(' ', '-')}"
    source = f"data:{escape(picture.mime)};base64,{escape(picture.base64)}"
    number = _render_number(turn)
    return (
        f'<div><a id="{name}" href="#{name}"><img src="{source}" alt="The page at the {moment} of turn '
        f'{number}">{moment.capitalize()}</a><a class="close" href="#turn-{number}" '
        'aria-label="Close"></a></div>'
    )


def _render_timeline(summary: Summary) -> str:
    begins, whole = summary.begins, max(summary.ends - summary.begins, 0.001)
    rows: list[tuple[float, str]] = [
        (each.request.at, _render_row(each, begins, whole)) for each in summary.exchanges
    ]
    rows += [
        (turn.tokens[0][0], _render_tokens(turn, begins, whole)) for turn in summary.turns if turn.tokens
    ]
    rows.sort(key=lambda row: row[0])
    shown = "".join(row for _, row in rows)
    return (
        f'<section id="timeline"><h2>Timeline <small>{len(summary.exchanges)} requests, and the tokens they '
        f'brought</small></h2><div class="sheet">{shown}</div></section>'
    )


def _render_row(exchange: Exchange, begins: float, whole: float) -> str:
    request = exchange.request
    over = exchange.ended or (exchange.failed.at if exchange.failed else begins + whole)
    left, width = 100 * (request.at - begins) / whole, 100 * max(over - request.at, 0) / whole
    size_ = f" · {format_size(exchange.size)}" if exchange.size else ""
    took = f" · {1000 * (over - request.at):.0f} ms"
    end = escape(describe_outcome(exchange)) + size_ + took
    bad = " bad" if exchange.troubled else ""
    bar = f'<i style="left:{left:.2f}%;width:{width:.2f}%"></i>'
    return (
        f'<details><summary class="row{bad}">{_render_time(request.at)}'
        f'<code title="{escape(request.url)}"><b>{escape(request.method)}</b> {escape(exchange.path)}</code>'
        f'<span class="end">{end}</span><div class="lane">{bar}</div></summary>'
        f'<div class="opened">{_render_details(exchange)}</div></details>'
    )


def _render_details(exchange: Exchange) -> str:
    """Headers and bodies of an exchange; of a static file only its headers."""
    request, response = exchange.request, exchange.response
    parts = [_render_headers("Request", request.headers), _render_body(request.body or b"")]
    if response is not None:
        parts.append(_render_headers(f"Response {response.status}", response.headers))
    if exchange.messages:
        parts.append(_render_body("\n".join(each.data for each in exchange.messages).encode()))
    elif not exchange.static:
        parts.append(_render_body(bytes(exchange.body)))
    return "".join(parts)


def _render_headers(title: str, headers: dict[str, str]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in headers.items()
    )
    return f"<h3>{title}</h3><table>{rows}</table>"


def _render_body(body: bytes) -> str:
    return f"<pre>{escape(_shorten(body.decode('utf-8', 'replace')))}</pre>" if body else ""


def _shorten(text: str) -> str:
    more = len(text) - LONGEST_TEXT
    return text if more <= 0 else f"{text[:LONGEST_TEXT]}\n… and {more:,} characters more"


def _render_tokens(turn: Turn, begins: float, whole: float) -> str:
    places = sorted({round(1000 * (at - begins) / whole) for at, _ in turn.tokens})
    ticks = "".join(f"M{place} 0V12" for place in places)
    return (
        f'<div class="row tokens">{_render_time(turn.tokens[0][0])}'
        f"<code>tokens of turn {_render_number(turn)}</code>"
        f'<span class="end">{len(turn.tokens):,} tokens</span><div class="lane">'
        f'<svg viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true"><path d="{ticks}"/>'
        "</svg></div></div>"
    )


def _render_console(summary: Summary) -> str:
    if not summary.console:
        return ""
    rows = "".join(
        f'<li class="{escape(each.kind)}">{_render_time(each.at)}<span>{escape(each.level)}</span>'
        f"<span>{escape(each.text)}</span></li>"
        for each in summary.console
    )
    return (
        f'<section id="said"><h2>Console <small>messages, errors and dialogs of the pages</small></h2>'
        f'<ul class="said sheet">{rows}</ul></section>'
    )


def _render_number(turn: Turn) -> str:
    return escape(str(turn.number))


def _render_time(at: float) -> str:
    return f"<time>{at:7.3f} s</time>"
