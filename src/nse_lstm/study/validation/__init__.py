"""Phase 4: scores, selection and verdict, then the test year once."""
