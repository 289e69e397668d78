"""Training jobs on other machines: messages, client, worker and shared store."""
