"""Fast training of a described network: ``recurrence``, ``layers``, ``step``, ``loop``.

One network is fitted at a time, in a process of one thread, by NumPy. The forward and
the backward pass are written out: a batch is a few hundred calls on arrays that are
allocated once, and nothing is traced, compiled or copied in between. Keras draws the
initial weights and stores the final ones. Jobs share no memory.
"""
