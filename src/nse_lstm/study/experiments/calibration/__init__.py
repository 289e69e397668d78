"""How often the verdict says yes without skill, and with planted skill."""
