"""Phase 1: raw files to a panel, with its checks and its statistics."""
