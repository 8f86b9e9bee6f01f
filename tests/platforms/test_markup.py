"""Text to HTML and back: nothing of an author's text becomes markup, nothing of it is lost."""

import pytest

from drumtower.platforms.markup import as_text, paragraphs


def test_blank_lines_part_paragraphs_and_links_are_marked() -> None:
    made = paragraphs("一 <b>&\r\n二\n \n看 https://a.example/?x=1&y=2。好\n\n\n")
    assert made == [
        "一 &lt;b&gt;&amp;<br />\n二",
        '看 <a href="https://a.example/?x=1&amp;y=2">https://a.example/?x=1&amp;y=2</a>。好',
    ]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", 'x" onclick="y', "a\n\nb\nc", "https://a.example/'\"><i>", "&amp;"]
)
def test_what_is_written_is_read_again(text: str) -> None:
    assert as_text("".join(f"<p>{one}</p>\n" for one in paragraphs(text))).strip() == text


def test_what_no_page_can_hold_is_left_out() -> None:
    assert paragraphs("a\x00b\ud800c\x1f") == ["abc"]
    assert paragraphs(" \n\n ") == []
