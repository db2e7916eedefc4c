import json

from huggingchat_agent.wire.inlined_responses import InlinedResponse, parse_inlined
from huggingchat_agent.wire.models import parse_models
from tests.wire.recordings import read_endpoint


def script(url, body, status=200, more=""):
    content = json.dumps({"status": status, "statusText": "", "headers": {}, "body": body}).replace(
        "<", "\\u003C"
    )
    return f'<script type="application/json" data-sveltekit-fetched data-url="{url}"{more}>{content}</script>'


MODELS = read_endpoint("2026-08", "models")["body"]
PAGE = f"""<!doctype html><html><head><title>HuggingChat</title><script>var a = "</div>" < 1;</script></head>
<body><p data-url="/no">text</p>
{script("/chat/api/v2/conversations?p=0", '{"json":1}')}
{script("/chat/api/v2/models", MODELS, more=' data-ttl="60"')}
{script("/chat/api/v2/user", '{"json":"</script><b>é 日本 &amp;</b>"}')}
{script("https://huggingface.co/api/x?a=1&amp;b=2", "no", 404)}
{script("/chat/api/v2/models", "a second one")}
{script("/bytes", "AP8=", more=" data-b64")}
<script type="application/json" data-sveltekit-fetched data-url="/broken">{{"status":</script>
<script type="application/json" data-sveltekit-fetched data-url="/shapeless">[1]</script>
<script type="application/json" data-sveltekit-fetched>{{"body":"nowhere"}}</script>
<script type="application/json" data-url="/other">{{"body":"not fetched"}}</script>
</body></html>"""


def test_inlined_finds_answers_by_path_and_query():
    found = parse_inlined(PAGE.encode())
    assert set(found) == {
        "/chat/api/v2/conversations?p=0",
        "/chat/api/v2/models",
        "/chat/api/v2/user",
        "/api/x?a=1&b=2",
        "/bytes",
    }
    assert found["/chat/api/v2/conversations?p=0"] == InlinedResponse(
        "/chat/api/v2/conversations?p=0", 200, b'{"json":1}'
    )
    assert len(parse_models(found["/chat/api/v2/models"].body)) == 3
    assert found["/chat/api/v2/user"].body.decode() == '{"json":"</script><b>é 日本 &amp;</b>"}'
    assert found["/api/x?a=1&b=2"].status == 404
    assert found["/bytes"].body == b"\0\xff"


def test_inlined_finds_nothing_where_nothing_is():
    assert parse_inlined(b"") == {}
    assert parse_inlined(b"<html>\xff <script data-sveltekit-fetched data-url='/cut'>{") == {}
