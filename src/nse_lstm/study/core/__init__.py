"""Places, tables, training jobs, ledgers and the sealed test year of a study."""
