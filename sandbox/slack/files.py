"""Web API: files, in the three steps of an external upload."""

from sandbox.slack import shapes
from sandbox.slack.chat import structured
from sandbox.slack.errors import SlackError
from sandbox.slack.workspace import File, Workspace
from sandbox.slack.world import BOT_USER
from sandbox.wire import Json


def get_upload_url(slack: Workspace, given: Json) -> Json:
    """Promise a place for a file."""
    name = str(given.get("filename") or "")
    if not name or not str(given.get("length", "")).isdecimal() or int(given["length"]) == 0:
        raise SlackError("invalid_arguments")
    file = slack.add_file(name, "application/octet-stream", b"", BOT_USER)
    file_id = file.about["id"]
    return {"upload_url": f"{slack.settings.own_url}/slack/upload/v1/{file_id}", "file_id": file_id}


def receive_bytes(slack: Workspace, file_id: str, content: bytes) -> bool:
    """Take the bytes of a promised file; false when none was promised."""
    file = slack.files.get(file_id)
    if file is None:
        return False
    file.content = content
    file.about["size"] = len(content)
    return True


def complete_upload(slack: Workspace, given: Json) -> Json:
    """Finish uploads and show them in a channel or thread; the answer does not say under which `ts`."""
    wanted = structured(given, "files")
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_arguments")
    files = [_titled(slack, one) for one in wanted]
    if given.get("channel_id"):
        _show(slack, given, files)
    return {"files": [{"id": file.about["id"], "title": file.about["title"]} for file in files]}


def info(slack: Workspace, given: Json) -> Json:
    """Describe a file and where it is shown."""
    return {"file": _file(slack, given.get("file", "")).about, "comments": [], "content": ""}


def _show(slack: Workspace, given: Json, files: list[File]) -> None:
    place = slack.world.writable(given["channel_id"])
    message = shapes.bots_files(str(given.get("initial_comment") or ""), [file.about for file in files])
    shown = slack.show_files(place, message, files, given.get("thread_ts") or "")
    slack.record_files(place, shown, files)


def _titled(slack: Workspace, wanted: Json) -> File:
    file = _file(slack, wanted.get("id", ""))
    file.about["title"] = wanted.get("title") or file.about["name"]
    return file


def _file(slack: Workspace, file_id: str) -> File:
    if file_id not in slack.files:
        raise SlackError("file_not_found")
    return slack.files[file_id]
