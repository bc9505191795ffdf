"""How large the long proofs are: as large as what they guard against with `AT_LENGTH=1`, smaller in every run."""

import os

AT_LENGTH = bool(os.environ.get("AT_LENGTH"))


def times(whole: int, usually: int) -> int:
    """Return how often a proof does what it does."""
    return whole if AT_LENGTH else usually
