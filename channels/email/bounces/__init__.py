"""Mail that came back: how the mail systems of the world say that a mail did not, or not yet, arrive."""
