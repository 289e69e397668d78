"""Fast training of a described network: ``recurrence``, ``step`` and ``loop``.

One network is fitted at a time, in a process of one thread, by NumPy: forwards and back
are written out, so that a batch is a few hundred calls on arrays that are there already
and nothing is traced, compiled or copied in between. Keras gives the initial weights
and takes the final ones. Nothing of one job can reach the next.
"""
