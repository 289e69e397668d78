"""Fast training of a described network: ``recurrence``, ``step`` and ``loop``.

One network is fitted at a time, in a process of one thread, by a TensorFlow graph that
runs a whole epoch. The graph knows an architecture, not a job: it takes the weights and
the windows of any length and hands the new weights back, so all jobs of a process share
one, and nothing of one job can reach the next.
"""
