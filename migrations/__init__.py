"""The schema's history. 0001 is the seed schema; a landed migration is never edited."""
