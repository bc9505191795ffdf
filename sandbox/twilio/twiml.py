"""What an answer to an inbound text makes Twilio send back."""

import xml.etree.ElementTree as ET


def replies(content_type: str, text: str) -> list[str]:
    """Return the texts an answer asks for: plain text is one, TwiML has one for each `<Message>`."""
    if not text.strip():
        return []
    if content_type.startswith("text/plain"):
        return [text]
    if "xml" not in content_type and not content_type.startswith("text/html"):
        return []
    try:
        root = ET.fromstring(text)  # noqa: S314  answers of the product under test, at most two thousand characters
    except ET.ParseError:
        return []
    return [said for element in root.iter("Message") if (said := _said(element))]


def _said(element: ET.Element) -> str:
    return (element.findtext("Body") or element.text or "").strip()
