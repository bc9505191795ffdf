from tests.desk import Desk


def test_an_empty_file_keeps_none_of_the_others_from_the_agents(desk: Desk) -> None:
    desk.mail(files=[("nothing.txt", b""), ("report.pdf", b"%PDF client")])
    desk.work()
    shown = desk.sandbox.thread("C0SUPPORT", desk.thread())[-1]["files"]
    assert [(each["name"], each["title"]) for each in shown] == [
        ("nothing.txt", "nothing.txt (empty)"),
        ("report.pdf", "report.pdf"),
    ]
