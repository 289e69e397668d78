"""One LSTM layer over all sessions of a batch, forward and backward through time.

Windows lie last in memory, (sessions, width, n), so that each gate of a session is one
block. Input, state and a row of ones lie in one array. A session's gates are then a
single product with the kernel, the states are written where the next session reads
them, and the kernel's gradient is one product over all sessions. A gate's sigmoid is
taken as a tanh of half its argument, which makes one tanh of all four:
sigmoid(z) = tanh(z / 2) / 2 + 1 / 2.
"""

import numpy as np
from numpy.typing import NDArray

SPAN = 15
"""Sessions per block of the backward pass, which so stays in the processor's cache."""

Numbers = NDArray[np.floating]


class LstmLayer:
    """One LSTM layer, with memory for batches of one size.

    Per session t, with x the input and h the state before it:

        o, i, f = sigmoid(K [x; h; 1]),  c~ = tanh(K [x; h; 1])
        c = f c(t-1) + i c~,  h = o tanh(c)

    Parameters
    ----------
    kernel : array of shape (4 units, width + units + 1)
        From ``to_fused``. It is read at every call, so that it may change in between.
    grad : array of the same shape
        Gets the gradient of ``kernel``.
    lookback, n : int
        Sessions and windows of a batch.
    sequences : bool
        Pass on the state after every session, not after the last one only.
    first : bool
        The network's first layer: the gradient of its inputs is not needed.
    """

    def __init__(
        self,
        kernel: Numbers,
        grad: Numbers,
        *,
        lookback: int,
        n: int,
        sequences: bool,
        first: bool,
    ) -> None:
        units = len(kernel) // 4
        self.kernel, self.grad, self.units = kernel, grad, units
        self.width = kernel.shape[1] - units - 1
        self.sequences, self.first = sequences, first
        self.halves = np.repeat(np.array([0.5, 1.0], kernel.dtype), [3 * units, units])[
            :, None
        ]

        def empty(*shape: int) -> Numbers:
            return np.zeros(shape, kernel.dtype)

        # Before each session: its input x, the state h so far, and ones for the bias.
        self.inputs = empty(lookback + 1, kernel.shape[1], n)
        self.inputs[:, -1] = 1
        # The gates o, i, f and c~, and the cell c before the session.
        self.gates = empty(lookback + 1, 5 * units, n)
        self.tanh_c = empty(lookback, units, n)
        # Gradients by the gates' arguments, o, i, f and c~, of one block of sessions.
        self.dgates = empty(SPAN, 4 * units, n)
        self.dh_dc = empty(SPAN, units, n)
        self.dx = empty(0 if first else lookback, self.width, n)
        self.forward_views = [self._forward_view(t) for t in range(lookback)]
        self.backward_views = [
            (start, [self._backward_view(t, start) for t in reversed(span)])
            for start in reversed(range(0, lookback, SPAN))
            for span in [range(lookback)[start : start + SPAN]]
        ]

    def forward(self, x: Numbers, random: object = None) -> Numbers:
        """Apply the layer from a zero state.

        Parameters
        ----------
        x : array of shape (lookback, width, n)
            Sessions first, windows last.
        random : object
            Not used: nothing is drawn here.

        Returns
        -------
        array of shape (lookback, units, n), or (units, n) without ``sequences``
            The state after each session, or after the last one.
        """
        self.inputs[:-1, : self.width] = x
        # Rows of o, i, f halved: their tanh becomes a sigmoid below.
        kernel = np.multiply(self.kernel, self.halves)
        half = self.halves[0]
        products = np.empty_like(self.gates[0, : 2 * self.units])
        i_c, f_c = np.split(products, 2)
        for (
            inputs,
            gates,
            sigmoids,
            i_f,
            c_cell,
            cell,
            tanh_c,
            o,
            h,
        ) in self.forward_views:
            np.matmul(kernel, inputs, out=gates)  # z = K [x; h; 1], (4 units, n)
            np.tanh(gates, out=gates)  # tanh(z / 2) of o, i, f; c~ = tanh(z)
            np.multiply(sigmoids, half, out=sigmoids)  # tanh(z / 2) / 2
            np.add(sigmoids, half, out=sigmoids)  # sigmoid(z)
            np.multiply(i_f, c_cell, out=products)  # i c~ above f c(t-1)
            np.add(i_c, f_c, out=cell)  # c = i c~ + f c(t-1)
            np.tanh(cell, out=tanh_c)
            np.multiply(o, tanh_c, out=h)  # h = o tanh(c), the next session's input
        states = self.inputs[1:, self.width : -1]
        return states if self.sequences else states[-1]

    def backward(self, grad: Numbers) -> Numbers:
        """Differentiate after ``forward``, and fill the kernel's ``grad``.

        Parameters
        ----------
        grad : array of the shape that ``forward`` gave
            The loss's gradient by each state.

        Returns
        -------
        array of shape (lookback, width, n), or none of it for the first layer
            The loss's gradient by ``x``.
        """
        # Transposed kernels: by x, (width, 4 units), and by h, (units, 4 units).
        by_x, by_h = np.split(self.kernel[:, :-1].T, [self.width])
        dh, dc, dc_before = np.zeros((3, *self.dh_dc[0].shape), grad.dtype)
        if not self.sequences:
            dh += grad
        self.grad[:] = 0
        for start, views in self.backward_views:
            span = slice(start, start + len(views))
            dgates = self._differentiate_gates(span)
            for t, o, i_f_c, dh_dc, f, z in views:
                if self.sequences:
                    np.add(dh, grad[t], out=dh)
                np.multiply(dh, dh_dc, out=dc)  # dL/dc through h = o tanh(c)
                np.add(dc, dc_before, out=dc)  # and through the next session's cell
                np.multiply(dh, o, out=o)  # dL/dz of o
                np.multiply(dc, i_f_c, out=i_f_c)  # dL/dz of i, f and c~
                np.multiply(dc, f, out=dc_before)  # dL/dc(t-1) = dL/dc f
                np.matmul(by_h, z, out=dh)  # dL/dh(t-1), (units, n)
            # dL/dK += sum over sessions of dL/dz [x; h; 1]'
            self.grad += _over_sessions(dgates, self.inputs[span])
            if not self.first:
                np.matmul(by_x, dgates, out=self.dx[span])  # (sessions, width, n)
        return self.dx

    def _differentiate_gates(self, span: slice) -> Numbers:
        """Differentiate each gate by its argument, up to dL/dh or dL/dc.

        This part needs no later session. Rows of the result, by gate:

            o: o (1 - o) tanh(c)      i: i (1 - i) c~
            f: f (1 - f) c(t-1)       c~: (1 - c~^2) i

        and ``dh_dc`` becomes o (1 - tanh(c)^2).
        """
        units, gates, tanh_c = self.units, self.gates[span], self.tanh_c[span]
        dgates, dh_dc = self.dgates[: len(gates)], self.dh_dc[: len(gates)]
        o, i, c = (gates[:, place * units :][:, :units] for place in (0, 1, 3))
        sigmoids, by_c = dgates[:, : 3 * units], dgates[:, 3 * units :]
        np.subtract(1, gates[:, : 3 * units], out=sigmoids)  # 1 - s of o, i, f
        sigmoids *= gates[:, : 3 * units]  # s (1 - s)
        sigmoids[:, :units] *= tanh_c  # o (1 - o) tanh(c)
        # Gate i lets in c~, gate f the cell before: they lie side by side.
        sigmoids[:, units:] *= gates[:, 3 * units :]
        _derive_tanh(c, out=by_c)  # 1 - c~^2
        by_c *= i
        _derive_tanh(tanh_c, out=dh_dc)  # 1 - tanh(c)^2
        dh_dc *= o
        return dgates

    def _forward_view(self, t: int) -> tuple[Numbers, ...]:
        """Return views of the arrays that a session uses; taking them takes time."""
        units, gates = self.units, self.gates[t]
        return (
            self.inputs[t],
            gates[: 4 * units],
            gates[: 3 * units],
            gates[units : 3 * units],
            gates[3 * units :],
            self.gates[t + 1, 4 * units :],
            self.tanh_c[t],
            gates[:units],
            self.inputs[t + 1, self.width : -1],
        )

    def _backward_view(
        self, t: int, start: int
    ) -> tuple[int, Numbers, Numbers, Numbers, Numbers, Numbers]:
        """Return the same for the backward pass, over a block that begins at start."""
        units, dgates = self.units, self.dgates[t - start]
        return (
            t,
            dgates[:units],
            dgates[units:].reshape(3, units, -1),
            self.dh_dc[t - start],
            self.gates[t, 2 * units : 3 * units],
            dgates,
        )


def to_fused(kernel: Numbers, recurrent: Numbers, bias: Numbers) -> Numbers:
    """Put an LSTM's weights side by side, gates i, f, c, o reordered to o, i, f, c.

    Parameters
    ----------
    kernel : array of shape (width, 4 units)
    recurrent : array of shape (units, 4 units)
    bias : array of shape (4 units,)

    Returns
    -------
    array of shape (4 units, width + units + 1)

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
    """Set ``out`` to the derivative of a tanh from its value: 1 - value^2."""
    np.multiply(value, value, out=out)
    np.subtract(1, out, out=out)


def _over_sessions(dgates: Numbers, inputs: Numbers) -> Numbers:
    """Sum dL/dz [x; h; 1]' over sessions and windows in one product.

    (4 units, sessions n) @ (sessions n, width + units + 1)
    """
    rows = dgates.transpose(1, 0, 2).reshape(dgates.shape[1], -1)
    return rows @ inputs.transpose(0, 2, 1).reshape(-1, inputs.shape[1])
