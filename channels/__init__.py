"""How the outside speaks: one folder a channel, translating between its words and ours."""
