"""What is new in plain text, and which rule said so."""

import textwrap
from pathlib import Path

import pytest

from channels.email.languages import words
from channels.email.readable import plain
from channels.email.reply_text import NewText, of
from tests.channels.email.mail_samples import mail, message

WORDS = Path(__file__).parent / "words"
INTRODUCED = "On Mon, 2 Nov 2026 at 17:20, Desk <support@desk.example> wrote:"


def listed(name: str) -> list[str]:
    lines = (WORDS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def new(text: str, subject: str = "") -> NewText:
    return of(plain(text), subject)


def wrapped(line: str, width: int) -> str:
    return "\n".join(textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False))


@pytest.mark.parametrize("quote", ["> old\n> text", "old\n\ntext"])
@pytest.mark.parametrize("above", ["New text.\n\n", "Thank you for the 2 items.\n"])
@pytest.mark.parametrize(
    "introduction", [line for line in listed("introductions") if "<" in line or line[0] in "AO02E"]
)
def test_what_an_introduction_announces_is_cut(introduction: str, above: str, quote: str) -> None:
    for shown in (introduction, wrapped(introduction, 60), introduction.replace(" <support", " <\nsupport")):
        assert new(f"{above}{shown}\n\n{quote}\n") == NewText(text=above.strip(), rule="introduction")


@pytest.mark.parametrize("introduction", listed("introductions"))
def test_less_of_an_introduction_is_enough_above_quoted_lines(introduction: str) -> None:
    assert new(f"New text.\n\n{introduction}\n> old\n> text\n") == NewText(text="New text.", rule="introduction")


@pytest.mark.parametrize("labels", listed("heads"))
def test_the_head_of_an_answered_mail_is_known_by_its_labels(labels: str) -> None:
    values = ("Desk", "2.11.2026 17:20", "Jane", "Re: order")
    for form in ("{}: {}", "*{} :* {}", "{}\N{FULLWIDTH COLON}{}", "> {}:\t{}"):
        head = "\n".join(form.format(label, value) for label, value in zip(labels.split(" | "), values, strict=True))
        assert new(f"New text.\n\n{head}\n\n{form[0].strip('{*')} old\n") == NewText(text="New text.", rule="labels")


@pytest.mark.parametrize(
    "frame",
    ["-----{}-----", "*-------- {} --------*", "\N{HYPHEN}\N{HYPHEN}\N{HYPHEN} {} \N{HYPHEN}\N{HYPHEN}\N{HYPHEN}"],
)
def test_what_stands_below_a_mark_is_cut(frame: str) -> None:
    for mark in words("original"):
        assert new(f"New text.\n\n{frame.format(mark.title())}\nold") == NewText(text="New text.", rule="original")


@pytest.mark.parametrize("frame", ["---------- {} ----------", "{}:"])
def test_a_forwarded_mail_stays_whole(frame: str) -> None:
    head = "From: a@b.example\nSent: 2.11.2026 17:20\nSubject: x"
    for mark in words("forwarded"):
        text = f"Please see below.\n\n{frame.format(mark)}\n{head}\n\n> old\n-- \nBob"
        assert new(text) == NewText(text=text)


def test_gmail_forwards_in_any_language() -> None:
    text = "See:\n\n---------- გადაგზავნილი შეტყობინება ---------\nFrom: Bob\nDate: 2.11.\nSubject: x\nTo: Jane\n\nold"
    assert new(text) == NewText(text=text)


def test_a_line_that_asks_for_an_answer_above_it_is_obeyed() -> None:
    for asking in words("above_this_line"):
        assert new(f"New text.\n\n##- {asking} -##\nold") == NewText(text="New text.", rule="above_this_line")


@pytest.mark.parametrize("device", listed("devices"))
def test_the_line_a_phone_adds_is_cut(device: str) -> None:
    assert new(f"New text.\n\n{device}\n\n{INTRODUCED}\n> old") == NewText(
        text="New text.", rule="introduction", signature="device"
    )


@pytest.mark.parametrize("sentence", listed("sentences"))
def test_a_sentence_about_a_phone_stays(sentence: str) -> None:
    assert new(f"New text.\n\n{sentence}").text == f"New text.\n\n{sentence}"


@pytest.mark.parametrize(
    ("signature", "rule"),
    [
        ("-- \nJane\nClient Ltd\n\nThis mail is confidential. " + "x" * 300, "delimiter"),
        ("--\nJane", "delimiter"),
        (
            "_" * 47 + "\nbolts mailing list\nbolts@lists.example\nhttp://lists.example/mailman/listinfo/bolts",
            "list_footer",
        ),
        ("-- \nJane\n\nSent from my iPhone", "device"),
    ],
)
def test_a_plain_signature_is_cut(signature: str, rule: str) -> None:
    assert new(f"New text.\n\n{signature}\n") == NewText(text="New text.", signature=rule)


@pytest.mark.parametrize(
    "text",
    [
        "New text.\n\nBest regards,\nJane",
        "First.\n--\n" + "A long thought. " * 20,
        "First.\n--\n" + "thought\n" * 20,
        "-- \nJane",
        "Sent from my iPhone",
        "New text.\n\n" + "-" * 30 + "\nPlease unsubscribe me from your mailing list.",
        "New text.\n\n-- \nJane\n\nPS: deliver to Main Street 12.",
    ],
)
def test_what_may_be_said_is_no_signature(text: str) -> None:
    assert new(text.strip()) == NewText(text=text.strip())


@pytest.mark.parametrize(
    "text",
    [
        "In 2020 he wrote:\nnothing of use.",
        "My boss wrote:\n\nplease help",
        "From: Monday on\nwe are closed.",
        "I fly\nFrom: Oslo\nTo: Rome\nDate: 3 May\nand have lost a bag.",
        "Invitation:\n\nDate: Wednesday 3, October\nTime: 7:00\nAddress: 1 High Street\n\nPlease come.",
        "Name: Jane\nE-mail: jane@client.example\nTime: 10:15\n\nMy order is late.",
        "On 5 May 2026 at 10:15 I wrote to you:\n\nMy order is late.",
        "Am 5.5.2026 um 10:15 schrieb ich Ihnen:\n\nMeine Bestellung fehlt.",
        "Mon conseiller m'a \u00e9crit le 5/5/2026 \u00e0 10:15 :\n\nVotre commande est partie.",
        "Your colleague wrote to me on 5.5.2026 at 10:15 about this:\n\nIt is late.",
        "My details are jane@client.example, called on 5.5.2026 at 10:15:\n\nIt is late.",
        "Please call.\nDate: 2.11.2026 17:20, or write to jane@client.example\nThank you.",
        "Write to me <jane@client.example> by Friday:\n\nI am away.",
        "> quoted\n\nbut answered below",
        "Compare a > b\n\nand c",
        "I typed\n> npm install",
        "----- order -----\nfive bolts",
        "Total 5:30\n> 4:20",
        f"{INTRODUCED}\n> only a quote",
        "From: a@b.example\nSent: 2.11.2026 17:20\nSubject: x\n\nonly the other mail",
        "\N{THUMBS UP SIGN}",
    ],
)
def test_what_a_person_wrote_stays(text: str) -> None:
    assert new(text) == NewText(text=text)


def test_a_thumb_above_a_quote_is_an_answer() -> None:
    assert new(f"\N{THUMBS UP SIGN}\n\n{INTRODUCED}\n> old").text == "\N{THUMBS UP SIGN}"


def test_one_quote_is_taken_out_and_what_is_said_around_it_stays() -> None:
    assert new(f"{INTRODUCED}\n> old\n>\n> text\n\nNew text.") == NewText(text="New text.", rule="introduction")
    assert new(f"Hello,\n{INTRODUCED}\n> old\n\nNew text.\n-- \nJane").text == "Hello,\n\nNew text."


def test_answers_point_by_point_stay_with_what_they_answer() -> None:
    answered = f"Hello,\n\n{INTRODUCED}\n> Which size?\nlarge\n> Which colour?\nred"
    assert new(f"{answered}\n> Regards\n> Desk\n\n-- \nJane") == NewText(text=answered, rule="quote_marks")
    assert new(f"{answered}\n> Regards\n> Desk\n\nThank you.").text == f"{answered}\n> Regards\n> Desk\n\nThank you."


def test_a_quotation_of_the_writers_own_stays_above_the_answered_mail() -> None:
    cited = "Your page says\n\n> free of charge\n\nbut I paid."
    assert new(f"{cited}\n\n{INTRODUCED}\n> old\n> text").text == cited
    assert (
        new(f"Your page says\n\n> free of charge\n\n{INTRODUCED}\n\nold").text == "Your page says\n\n> free of charge"
    )


@pytest.mark.parametrize(
    "answer", ["its 12345, bought in may", "12 rue de la paix, 75002 paris", "12345 is the serial number of it"]
)
def test_an_answer_under_a_long_quoted_line_is_not_its_rest(answer: str) -> None:
    text = f"Hi,\n\n{INTRODUCED}\n> {'word ' * 15}\n{answer}\n> {'word ' * 15}"
    assert answer in new(text).text


@pytest.mark.parametrize(
    "pointer",
    [
        "Please see my answers in red below.",
        "Antworten im Text.",
        "Siehe unten",
        "Voir ci-dessous.",
        "Inline.",
        "見下文",
    ],
)
def test_answers_that_the_writer_points_to_stay(pointer: str) -> None:
    head = "From: Desk <support@desk.example>\nSent: 2.11.2026 17:20\nTo: Jane\nSubject: Re: order"
    text = f"{pointer}\n\n{head}\n\nWhich serial?\n12345\nWhich colour?\nblue"
    assert new(text) == NewText(text=text)


def test_a_colour_or_a_place_points_to_no_answers() -> None:
    said = "I want it in red.\nThe price is below 20.\nI see."
    assert new(f"{said}\n\n{INTRODUCED}\n\nold").text == said


def test_words_that_were_wrapped_out_of_a_quote_are_no_answer() -> None:
    quote = f"> {'word ' * 13}and\nits last words\n> goes on (see https://desk.example/a/long\nlink)\n> end"
    assert new(f"New text.\n\n{INTRODUCED}\n{quote}").text == "New text."


def test_an_introduction_on_the_answers_last_line_is_split_from_it() -> None:
    assert new("Yes, please. On Wed, Nov 4, 2026 at 3:59 PM, desk@desk.example wrote:\n> old").text == "Yes, please."


def test_a_quote_at_the_end_is_cut_without_an_introduction() -> None:
    assert new("New.\n\n> a\n>> b\n\n> c\n") == NewText(text="New.", rule="quote_marks")


def test_quoted_lines_that_the_writer_announces_stay() -> None:
    text = "The printer says:\n\n> ERROR 12\n> paper jam\n> call service"
    assert new(text) == NewText(text=text)


def test_a_line_drawn_above_a_quote_goes_with_it() -> None:
    head = "From: Desk\nSent: Monday, 2 November 2026 10:30\nSubject: Re: x\n\nold"
    assert new(f"New.\n\n{'_' * 32}\n{head}").text == "New."


@pytest.mark.parametrize(
    "labels",
    [
        "From: Oslo\nTo: Rome\nSubject: my trip",
        "From: Oslo\nTo: Rome\nDate: 3 May, 10:30\nSubject: booking 12",
        "Von: Berlin\nAn: Hamburg\nDatum: 12.5.2026\nBetreff: Umzug",
        "Date: 3 May 2026 10:30\nCC: jane@client.example",
    ],
)
def test_labels_that_a_person_wrote_are_no_head_of_a_mail(labels: str) -> None:
    text = f"Please book:\n\n{labels}\n\nThank you"
    assert new(text).text == text


@pytest.mark.parametrize(
    "told",
    [
        "On 3 Nov 2026 at 10:15 Ada <ada@desk.example> wrote:\nYou get a refund.",
        "Op 3 november 2026 om 10:15 schreef Ada <ada@desk.example>:\nU krijgt uw geld terug.",
        "2026年11月3日 10:15 Ada <ada@desk.example> のメール:\n返金します",
        "From: LHR\nTo: JFK\nDate: 3 May 2026 10:30, jane@client.example\n\nSeat 12A.",
        "--- Message original ---\nJe n'ai rien reçu.",
    ],
)
def test_what_a_first_mail_tells_of_others_stays(told: str) -> None:
    text = f"This is what happened:\n\n{told}\n\nWho is right?"
    first = mail(text, Subject="Complaint", Content_Type="text/plain; charset=utf-8")
    assert message(first).body == text
    answer = mail(text, Subject="Complaint", In_Reply_To="<1@desk.example>", Content_Type="text/plain; charset=utf-8")
    assert message(answer).body == message(first.replace(b"Subject: ", b"Subject: AW: ")).body
    assert message(answer).body == "This is what happened:"


@pytest.mark.parametrize(
    "told",
    [
        "Le 3 novembre 2026 à 10:15, Mme Ada <ada@desk.example> m'a écrit :",
        "am 3.11.2026 um 10:15 Uhr schrieb mir Frau Ada (ada@desk.example):",
        "El 3 de noviembre de 2026 a las 10:15, Ada <ada@desk.example> me escribió:",
        "il 3/11/2026 alle 10:15 la signora Ada (ada@desk.example) mi ha scritto:",
        "Op 3-11-2026 om 10:15 schreef Ada <ada@desk.example> mij:",
        "3 ноября 2026 в 10:15 Ада <ada@desk.example> написала мне:",
        "2026年11月3日 10:15 Ada <ada@desk.example> 私に書きました:",
        "On 3 Nov 2026 at 10:15 your agent Ada <ada@desk.example> wrote:",
    ],
)
def test_who_tells_what_was_written_to_them_is_no_mail_program(told: str) -> None:
    text = f"Hello,\n\n{told}\n\nYou get a refund.\n\nI got nothing."
    assert new(text) == NewText(text=text)


@pytest.mark.parametrize("name", ["Mi Lan", "Me Linh", "Your Shop", "Ihr Team"])
def test_a_name_is_nobody_who_tells(name: str) -> None:
    introduced = INTRODUCED.replace("Desk", name, 1)
    assert new(f"New text.\n\n{introduced}\n\nold") == NewText(text="New text.", rule="introduction")


@pytest.mark.parametrize(
    "line",
    [
        "I can not write above this line in the PDF, form field 12.",
        "Unterschrift bitte über dieser Linie.",
        "-- Reply --",
        "- Original Nachricht -",
    ],
)
def test_words_of_a_mark_in_a_persons_line_are_none(line: str) -> None:
    assert new(f"Hello,\n{line}\nI accept.").text == f"Hello,\n{line}\nI accept."


def test_a_first_mail_is_cut_at_a_whole_head_or_a_marked_quote() -> None:
    head = "From: Desk <support@desk.example>\nSent: 2.11.2026 17:20\nTo: Jane\nSubject: order\n\nold"
    for old in (head, f"{INTRODUCED}\n> old"):
        assert message(mail(f"New text.\n\n{old}", Subject="order")).body == "New text."


@pytest.mark.parametrize(
    "form",
    [
        "From: Jane <jane@client.example>\nDate: 22 Nov 2026 10:30\nSubject: Refund\nMessage: I want my money back.",
        "Von: Jane\nE-Mail: jane@client.example\nDatum: 22.11.2026 10:30\nBetreff: Geld\nNachricht:\nBitte!",
        "De : Jane <jane@client.example>\nÀ : support@desk.example\nSujet : Argent\n\nMessage :\nMerci !",
    ],
)
def test_the_form_of_a_website_is_no_head_of_a_mail(form: str) -> None:
    assert new(f"New enquiry from your website:\n\n{form}\nOrder 4411.").text.endswith("Order 4411.")


@pytest.mark.parametrize(
    "text",
    ["Please deliver to:\n--\nFactory Street 5\n1234 Town\n--\nand not to the old one", "Order:\n--\n2 pumps\n5 pipes"],
)
def test_a_line_that_a_person_drew_is_no_end_of_a_mail(text: str) -> None:
    assert new(text).text == text


def test_the_subject_tells_a_forward_from_an_answer() -> None:
    text = "So be it\n\nFrom: a\nSent: 2.11.2026 17:20\nTo: c\nSubject: d\n\ntext"
    assert new(text, "FW: d").text == text
    assert new(text, "[Desk] Fwd: d").text == text
    assert new(text, "RE: FW: d").text == "So be it"
    head = "L\u00e4hett\u00e4j\u00e4: a\nL\u00e4hetetty: 3.5.2026 10.30\nAihe: d"
    assert new(f"Selv\u00e4\n\n{head}\n\ntext", "VS: d").rule == "labels"
    assert new(text, "VS: d").text == text


def test_initials_before_a_quote_mark_are_one() -> None:
    bat = "Monday, November 2, 2026, 5:20:00 PM, you wrote:\n\nD> old\nD>> older\n\nD> text"
    assert new(f"{bat}\n\nNew text.") == NewText(text="New text.", rule="introduction")


def test_a_head_may_be_wrapped_and_spaced() -> None:
    wrapped_head = (
        "*From:* Desk [mailto:desk@desk.example\n<desk@desk.example>]\n*Sent:* 2.11.\n*To:* Jane\n*Subject:* x"
    )
    assert new(f"New.\n\n{wrapped_head}\n\nold").text == "New."
    assert new("New.\n\nFrom: Desk\n\nSent: 2.11.2026 17:20\n\nTo: Jane\n\nSubject: x\n\nold").text == "New."
    assert new("New.\n\nFrom: a@b.example Date: 2.11.2026 17:20\nold").text == "New."


def test_an_introduction_without_its_colon_counts_above_labels() -> None:
    text = "New.\nAm 02.11.26 um 17:20 schrieb Desk\nVon: Desk\nDatum: 2. November 2026\nAn: Jane\n\nold"
    assert new(text) == NewText(text="New.", rule="introduction")
