"""What Celery runs: each task takes row ids, and owns its transactions."""

_LARGEST = 2**63 - 1  # of a BIGINT


def row_ids(given: object) -> list[int]:
    """Return the row ids in a task's argument: whoever reaches the broker can put anything there."""
    rows = given if isinstance(given, list | tuple) else ()
    return [each for each in rows if type(each) is int and 0 < each <= _LARGEST]
