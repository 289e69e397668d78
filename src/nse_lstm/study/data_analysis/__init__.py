"""Phase 1: raw files to a panel, and what the files are worth."""
