"""What every phase starts from: the study's places, its tables, its ledger, its seal."""
