"""The app's manifest: what an admin pastes into Slack to create it with all it needs.

See https://docs.slack.dev/reference/app-manifest.
"""

SCOPES = (
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:read",
    "reactions:write",
    "users:read",
    "users:read.email",
)
EVENTS = ("app_home_opened", "message.channels", "message.groups", "message.im", "reaction_added")

# In the menu of every message; Slack shows no slash command inside a thread.
SHORTCUT = {
    "name": "Open a ticket",
    "type": "message",
    "callback_id": "open_ticket",
    "description": "Make a ticket of this message",
}


def manifest(url: str | None) -> dict[str, object]:
    """Return the manifest for calls to a public base `url`, or for Socket Mode when there is none."""
    return {
        "display_information": {
            "name": "Frontdesk",
            "description": "Tickets from mail, SMS, WhatsApp and Slack, answered here",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Frontdesk", "always_online": True},
            "shortcuts": [SHORTCUT],
            "slash_commands": [_command(url)],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**_address(url, "request_url", "events"), "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **_address(url, "request_url", "interactivity")},
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }


def _command(url: str | None) -> dict[str, object]:
    return {
        "command": "/desk",
        "description": "Find and handle tickets",
        "usage_hint": "mine | waiting | open | search WORDS | show 12 | new ADDRESS WORDS | help",
        "should_escape": True,
        **_address(url, "url", "commands"),
    }


def _address(url: str | None, key: str, name: str) -> dict[str, object]:
    return {key: f"{url.rstrip('/')}/webhooks/slack/{name}"} if url else {}
