"""The recurrence: one LSTM layer over all sessions of a batch, there and back.

Windows lie last in memory, (sessions, width, n), so that each gate of a session is one
block. Input, state and a row of ones lie in one array: a session's gates are a single
product with the kernel, the states are written where the next session reads them, and
the kernel's gradient is one product over all sessions. A gate's sigmoid is taken as a
tanh of half its argument, which makes one tanh of all four.
"""

import numpy as np
from numpy.typing import NDArray

SPAN = 15
"""Sessions gone back at once: what they need stays in the processor's cache."""

Numbers = NDArray[np.floating]


class Recurrence:
    """One LSTM layer, with memory for batches of one size.

    Parameters
    ----------
    kernel : array of shape (4 units, width + units + 1)
        From ``to_fused``. It is read at every call, so that it may change between.
    slope : array of the same shape
        Gets the gradient of ``kernel``.
    lookback, n : int
        Sessions and windows of a batch.
    sequences : bool
        Pass on the state after every session, not after the last one only.
    first : bool
        Nobody asks for the slope of what the network itself is given.
    """

    def __init__(
        self,
        kernel: Numbers,
        slope: Numbers,
        *,
        lookback: int,
        n: int,
        sequences: bool,
        first: bool,
    ) -> None:
        units = len(kernel) // 4
        self.kernel, self.slope, self.units = kernel, slope, units
        self.width = kernel.shape[1] - units - 1
        self.sequences, self.first = sequences, first
        self.halves = np.repeat(np.array([0.5, 1.0], kernel.dtype), [3 * units, units])[
            :, None
        ]

        def empty(*shape: int) -> Numbers:
            return np.zeros(shape, kernel.dtype)

        # Before each session: its input, the state so far, and ones for the bias.
        self.given = empty(lookback + 1, kernel.shape[1], n)
        self.given[:, -1] = 1
        # The gates o, i, f and c, and the cell before the session.
        self.gates = empty(lookback + 1, 5 * units, n)
        self.squashed = empty(lookback, units, n)
        self.slopes = empty(SPAN, 4 * units, n)
        self.opened = empty(SPAN, units, n)
        self.passed = empty(0 if first else lookback, self.width, n)
        self.there = [self._step(t) for t in range(lookback)]
        self.back = [
            (start, [self._step_back(t, start) for t in reversed(span)])
            for start in reversed(range(0, lookback, SPAN))
            for span in [range(lookback)[start : start + SPAN]]
        ]

    def forward(self, x: Numbers, random: object = None) -> Numbers:
        """Apply the layer from a zero state.

        Parameters
        ----------
        x : array of shape (lookback, width, n)
            Sessions first, windows last.

        Returns
        -------
        array of shape (lookback, units, n), or (units, n) without ``sequences``
            The state after each session, or after the last one.
        """
        self.given[:-1, : self.width] = x
        kernel = np.multiply(self.kernel, self.halves)
        half = self.halves[0]
        products = np.empty_like(self.gates[0, : 2 * self.units])
        kept, added = np.split(products, 2)
        for given, gates, sigmoids, i_f, c_cell, cell, squashed, o, h in self.there:
            np.matmul(kernel, given, out=gates)
            np.tanh(gates, out=gates)
            np.multiply(sigmoids, half, out=sigmoids)
            np.add(sigmoids, half, out=sigmoids)
            np.multiply(i_f, c_cell, out=products)
            np.add(kept, added, out=cell)
            np.tanh(cell, out=squashed)
            np.multiply(o, squashed, out=h)
        states = self.given[1:, self.width : -1]
        return states if self.sequences else states[-1]

    def backward(self, slope: Numbers) -> Numbers:
        """Differentiate after ``forward``, and fill the kernel's ``slope``.

        Parameters
        ----------
        slope : array of the shape that ``forward`` gave
            The loss's slope by each state.

        Returns
        -------
        array of shape (lookback, width, n), or none of it for the first layer
            The loss's slope by ``x``.
        """
        across, onward = np.split(self.kernel[:, :-1].T, [self.width])
        state, cell, carried = np.zeros((3, *self.opened[0].shape), slope.dtype)
        if not self.sequences:
            state += slope
        self.slope[:] = 0
        for start, views in self.back:
            span = slice(start, start + len(views))
            slopes = self._differentiate_gates(span)
            for t, o, i_f_c, opened, f, gates in views:
                if self.sequences:
                    np.add(state, slope[t], out=state)
                np.multiply(state, opened, out=cell)
                np.add(cell, carried, out=cell)
                np.multiply(state, o, out=o)
                np.multiply(cell, i_f_c, out=i_f_c)
                np.multiply(cell, f, out=carried)
                np.matmul(onward, gates, out=state)
            self.slope += _over_sessions(slopes, self.given[span])
            if not self.first:
                np.matmul(across, slopes, out=self.passed[span])
        return self.passed

    def _differentiate_gates(self, span: slice) -> Numbers:
        """Differentiate every gate for itself: all that needs no later session."""
        units, gates, squashed = self.units, self.gates[span], self.squashed[span]
        slopes, opened = self.slopes[: len(gates)], self.opened[: len(gates)]
        o, i, c = (gates[:, place * units :][:, :units] for place in (0, 1, 3))
        sigmoids, by_c = slopes[:, : 3 * units], slopes[:, 3 * units :]
        np.subtract(1, gates[:, : 3 * units], out=sigmoids)
        sigmoids *= gates[:, : 3 * units]
        sigmoids[:, :units] *= squashed
        # Gate i lets in the candidate, gate f the cell: they lie side by side.
        sigmoids[:, units:] *= gates[:, 3 * units :]
        _derive_tanh(c, out=by_c)
        by_c *= i
        _derive_tanh(squashed, out=opened)
        opened *= o
        return slopes

    def _step(self, t: int) -> tuple[Numbers, ...]:
        """Return views of what a session reads and writes; taking them takes time."""
        units, gates = self.units, self.gates[t]
        return (
            self.given[t],
            gates[: 4 * units],
            gates[: 3 * units],
            gates[units : 3 * units],
            gates[3 * units :],
            self.gates[t + 1, 4 * units :],
            self.squashed[t],
            gates[:units],
            self.given[t + 1, self.width : -1],
        )

    def _step_back(
        self, t: int, start: int
    ) -> tuple[int, Numbers, Numbers, Numbers, Numbers, Numbers]:
        """Return the same for the way back, over slopes that start at ``start``."""
        units, slopes = self.units, self.slopes[t - start]
        return (
            t,
            slopes[:units],
            slopes[units:].reshape(3, units, -1),
            self.opened[t - start],
            self.gates[t, 2 * units : 3 * units],
            slopes,
        )


def to_fused(kernel: Numbers, recurrent: Numbers, bias: Numbers) -> Numbers:
    """Put an LSTM's weights beside each other, gates i, f, c, o below as o, i, f, c.

    Examples
    --------
    >>> to_fused(np.array([[1, 2, 3, 4]]), np.zeros((1, 4)), np.ones(4))
    array([[4., 0., 1.],
           [1., 0., 1.],
           [2., 0., 1.],
           [3., 0., 1.]])
    """
    return np.roll(np.vstack([kernel, recurrent, bias]).T, len(recurrent), axis=0)


def from_fused(fused: Numbers) -> list[Numbers]:
    """Undo ``to_fused``."""
    units = len(fused) // 4
    weights = np.ascontiguousarray(np.roll(fused, -units, axis=0).T)
    kernel, recurrent, bias = np.split(weights, [len(weights) - units - 1, -1])
    return [kernel, recurrent, bias[0]]


def _derive_tanh(value: Numbers, *, out: Numbers) -> None:
    """Set ``out`` to 1 minus the square of a tanh's value."""
    np.multiply(value, value, out=out)
    np.subtract(1, out, out=out)


def _over_sessions(slopes: Numbers, given: Numbers) -> Numbers:
    """Multiply every session's slopes with what was given, and add up: one product."""
    rows = slopes.transpose(1, 0, 2).reshape(slopes.shape[1], -1)
    return rows @ given.transpose(0, 2, 1).reshape(-1, given.shape[1])
