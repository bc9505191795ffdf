"""HTML mail alone: what is quoted is known by the elements that mail programs make, whatever language they speak."""

import pytest

from channels.email.html import read
from channels.email.reply_text import NewText, of
from tests.channels.email.mail_samples import mail, message

# Georgian, which no list of words knows.
HEAD = (
    "<b>ვისგან:</b> დახმარება<br><b>გაგზავნილია:</b> 2.11.2026 17:20<br><b>ვის:</b> ჯეინი<br><b>თემა:</b> შეკვეთა<br>"
)
INTRODUCTION = "2026 წლის 2 ნოემბერს დახმარებამ დაწერა"
REPLIES = {
    "gmail_quote": "<div dir=ltr>New text.</div><br><div class='gmail_quote gmail_quote_container'><div dir=ltr "
    f"class=gmail_attr>{INTRODUCTION}<br></div><blockquote class=gmail_quote><div>old<br>text</div></blockquote></div>",
    "outlook_border": "<div class=WordSection1><p class=MsoNormal>New text.</p><p class=MsoNormal>&nbsp;</p><div>"
    "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal>"
    f"{HEAD}</p></div></div><p class=MsoNormal>old</p></div>",
    "divrplyfwdmsg": "<div class=elementToProof>New text.</div><div id=appendonsend></div><hr style='width:98%'>"
    f"<div id=divRplyFwdMsg dir=ltr><font>{HEAD}</font><div>&nbsp;</div></div><div><p>old</p></div>",
    "mail-editor-reference-message-container": "<div>New text.</div><div id=mail-editor-reference-message-container>"
    f"<div><div style='padding:3pt'>{HEAD}</div><div>old</div></div></div>",
    "olk_src_body_section": f"<div>New text.</div><span id=OLK_SRC_BODY_SECTION><div>{HEAD}</div><div>old</div></span>",
    "yahoo_quoted": "<div>New text.</div><div id='yahoo_quoted_1234' class='yahoo_quoted'><div>"
    f"<div>{INTRODUCTION}</div><div>old</div></div></div>",
    "moz-cite-prefix": f"New text.<br><div class='moz-cite-prefix'>{INTRODUCTION}<br></div>"
    "<blockquote type=cite cite='mid:1@desk.example'><p>old</p></blockquote>",
    "blockquote_cite": "<div>New text.</div><br><blockquote type='cite'><div>old</div></blockquote>",
    "protonmail_quote": f"<div>New text.</div><div class='protonmail_quote'>{INTRODUCTION}<br><blockquote "
    "class='protonmail_quote' type='cite'>old</blockquote></div>",
    "airmail_on": f"New text.<p class='airmail_on'>{INTRODUCTION}</p><blockquote type=cite>old</blockquote>",
    "zmail_extra": f"<div>New text.</div><div class=zmail_extra><br>{INTRODUCTION}<blockquote>old</blockquote></div>",
    "quote": f"<div>New text.<div name='quote' style='margin:10px'><div>{HEAD}</div>"
    "<div name='quoted-content'>old</div></div>",
    "messagereplysection": "<div name=messageBodySection>New text.</div><div name=messageReplySection>"
    f"{INTRODUCTION}<br><blockquote type=cite>old</blockquote></div>",
    "reply-intro": f"<div>New text.</div><p id='reply-intro'>{INTRODUCTION}</p><blockquote>old<br>text</blockquote>",
    "stopspelling": f"New text.<br><hr id='stopSpelling'>{HEAD}<br>old",
}


@pytest.mark.parametrize(("rule", "html"), REPLIES.items(), ids=REPLIES)
def test_a_quote_is_cut_by_the_element_it_stands_in(rule: str, html: str) -> None:
    assert of(read(f"<html><body>{html}</body></html>")) == NewText(text="New text.", rule=rule)


@pytest.mark.parametrize(
    "html",
    [
        "<div>New text.</div><div style='border-top:solid 1pt'>and a line above the next thought</div>",
        "<p>Mine:</p><div style='border-top:solid 1pt'>Make: Bolt<br>Type: 12<br>Serial: 34</div><p>Please help</p>",
        "<div style='border-top:solid'>Name: J<br>E-mail: j@b.example<br>Date: 2.11.2026 17:20</div><p>Hi</p>",
        "<p>Please see my</p><div name=quote>Request for 100 printers</div>",
        "<div class=gmail_quote>---------- გადაგზავნილი ---------<br>Bob: <br><div>text</div></div>",
        "<div>See:</div><blockquote class=gmail_quote><div>what I read<br>on your<br>page</div></blockquote>",
        "<div>Sizes:</div><blockquote style='margin:0 0 0 40px; border: none'><div>1<br>2<br>3</div></blockquote>",
        "<div class=yahoo_quoted>Only what stands here.</div>",
        "<div id=Signature>Jane</div>",
        "<div>Hello.</div><div id=signature><div>Jane</div><div>PS the serial is 12</div></div>",
    ],
)
def test_what_only_looks_like_a_quote_stays(html: str) -> None:
    assert of(read(html)) == NewText(text=read(html).text)


def test_what_is_said_below_a_marked_element_stays() -> None:
    html = f"{REPLIES['yahoo_quoted']}<div><div>And more.</div></div>"
    assert of(read(html)).text == "New text.\n\nAnd more."


def test_answers_between_the_quotes_of_gmail_stay_with_what_they_answer() -> None:
    quote = "<blockquote class=gmail_quote>{}</blockquote>"
    html = f"<div class=gmail_quote><div class=gmail_attr>{INTRODUCTION}</div>{quote.format('Which size?')}"
    html += f"<div>Large.</div>{quote.format('Which colour?')}<div>Red.</div>{quote.format('Regards')}</div>"
    assert of(read(html)).text.split("\n")[-3:] == ["> Which colour?", "", "Red."]
    assert "> Which size?\n\nLarge." in of(read(html)).text


@pytest.mark.parametrize(
    "mark", ["class=gmail_signature", "class=moz-signature", "id=Signature", "name=messageSignatureSection"]
)
def test_a_signature_is_cut_by_its_element(mark: str) -> None:
    html = (
        f"<div>New text.</div><br><div {mark}><div>Jane</div><div>Client Ltd</div></div><br>"
        + REPLIES["yahoo_quoted"][20:]
    )
    assert of(read(html)) == NewText(text="New text.", rule="yahoo_quoted", signature="marked")


def test_plain_text_of_an_unknown_language_is_cut_where_its_html_says() -> None:
    plain = f"New text, and more.\n\n{INTRODUCTION}\n\nold\n"
    html = REPLIES["yahoo_quoted"].replace("New text.", "<b>New</b> text, and more.")
    assert message(both(plain, html)).body == "New text, and more."
    assert message(both(plain.replace("more", "less"), html)).body == plain.replace("more", "less").strip()


def both(plain: str, html: str) -> bytes:
    parts = "".join(
        f"--b\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{text}\r\n"
        for kind, text in (("plain", plain), ("html", html))
    )
    return mail(parts + "--b--", Content_Type="multipart/alternative; boundary=b")
