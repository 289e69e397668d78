"""Training jobs on other machines: client, worker, messages and shared store."""
