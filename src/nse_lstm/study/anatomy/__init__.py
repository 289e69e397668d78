"""How a Sharpe ratio of 10.67 comes about, and what is left when it is mended.

The status page that this study answers claimed 10.67 for its new model. Here the way to
that number is rebuilt from its description, and its faults are mended one at a time:
``rows`` puts the printed rows in the claim's order, ``mechanism`` is its arithmetic,
``fits`` trains the network on each version of the data, ``steps`` walks from the claim
to the honest number, and ``page`` puts it into words and tables.
"""
