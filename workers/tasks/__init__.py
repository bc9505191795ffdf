"""What Celery runs: each task takes row ids, and owns its transactions."""
