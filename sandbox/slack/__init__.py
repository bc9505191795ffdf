"""Slack as an app sees it: Web API, events, interactivity, and the people who talk there."""
