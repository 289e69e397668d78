"""Tables in, figures and pages out; nothing here computes a result."""
