"""Phase 5: promotion, forecasts of the next session, monitoring, a year replayed."""
