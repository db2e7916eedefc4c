import pytest

from huggingchat_agent.wire.page_text import extract_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (b"", ""),
        (b"plain", "plain"),
        (b"<title>404</title><h1>404</h1><p>Not  there,\n really</p>", "404 - Not there, really"),
        (b"<p>a &lt;b&gt; &amp; c</p>", "a <b> & c"),
        (b"<p>one <i>two</i> three</p><div>four", "one two three - four"),
        (b"<script>if (a < b) {}</script><p>seen</p><style>p{}</style>", "seen"),
        (b"</script></style><p>seen</p>", "seen"),
        ("<p>日本\xff</p>".encode(), "日本\xff"),
        (b"<p>\xff</p>", "\ufffd"),
    ],
)
def test_page_text_is_what_a_person_would_read(html, text):
    assert extract_text(html) == text
