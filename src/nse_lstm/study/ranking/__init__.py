"""Phase 2: models that rank the stocks, their ensemble and its portfolio."""
