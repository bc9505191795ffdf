"""Everything on one machine: a PostgreSQL, a Redis and every process of ours in one terminal (`frontdesk up`)."""
