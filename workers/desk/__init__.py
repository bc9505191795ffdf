"""The rules: who is speaking, which ticket, what it changes, what goes out. All inside the caller's transaction."""
