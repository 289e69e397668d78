"""Normalisation, dropout and dense layers, forward and backward.

Each takes a batch (``forward``) and the gradient of its outputs (``backward``). Windows
lie last in memory: (sessions, width, n) within the recurrent part, (width, n) after
it. Weights are handed in as arrays that are read at every call.
"""

import numpy as np
from numpy.typing import NDArray

MOMENTUM, VARIANCE_FLOOR = 0.99, 1e-3
"""Keras's normalisations."""

Numbers = NDArray[np.floating]
Random = np.random.Generator


class BatchNormLayer:
    """Batch normalisation over windows and sessions.

    Parameters
    ----------
    weights, grads : (gamma, beta) and the arrays that get their gradients
        Arrays of shape (width,).
    moving : (mean, variance)
        Arrays of shape (width,); they follow every batch that is trained on.
    """

    def __init__(
        self, weights: list[Numbers], grads: list[Numbers], moving: list[Numbers]
    ) -> None:
        self.gamma, self.beta = weights
        self.grads, self.moving = grads, moving

    def forward(self, x: Numbers, random: Random | None) -> Numbers:
        """Normalise by the batch when training, by the moving statistics if not.

        y = gamma (x - mean) / sqrt(variance + floor) + beta

        Parameters
        ----------
        x : array of shape (sessions, width, n) or (width, n)
        random : Generator or None
            None: not in training.
        """
        mean, variance = self.moving
        if random is not None:
            mean = _mean(x)
        self.centred = x - _wide(mean, x)  # x - mean
        if random is not None:
            variance = _mean(self.centred**2)
            for moving, now in zip(self.moving, (mean, variance), strict=True):
                # moving = momentum moving + (1 - momentum) now
                moving += (now - moving) * (1 - MOMENTUM)
        self.inverse = 1 / (variance + VARIANCE_FLOOR)
        self.scale = self.gamma * np.sqrt(self.inverse)  # gamma / sigma
        y = self.centred * _wide(self.scale, x)
        y += _wide(self.beta, x)
        return y

    def backward(self, grad: Numbers) -> Numbers:
        """Differentiate after a batch that was trained on.

        With g the gradient of y, c = x - mean, s2 = variance + floor, and means over
        the batch: dL/dx = gamma / sqrt(s2) (g - c mean(g c) / s2 - mean(g)).
        """
        count = grad.size // len(self.gamma)
        mean_g, mean_gc = _mean(grad), _mean(grad * self.centred)
        # dL/dgamma = sum(g c) / sqrt(s2)
        np.multiply(mean_gc, count * np.sqrt(self.inverse), out=self.grads[0])
        np.multiply(mean_g, count, out=self.grads[1])  # dL/dbeta = sum(g)
        dx = self.centred * _wide(mean_gc * self.inverse, grad)  # c mean(g c) / s2
        np.subtract(grad, dx, out=dx)  # g - c mean(g c) / s2
        dx -= _wide(mean_g, grad)  # ... - mean(g)
        dx *= _wide(self.scale, grad)  # gamma / sqrt(s2) (...)
        return dx


class LayerNormLayer:
    """Layer normalisation: each window by its own mean and variance.

    Parameters
    ----------
    weights, grads : (gamma, beta) and the arrays that get their gradients
        Arrays of shape (width,).
    """

    def __init__(self, weights: list[Numbers], grads: list[Numbers]) -> None:
        self.gamma, self.beta = weights
        self.grads = grads

    def forward(self, x: Numbers, random: Random | None) -> Numbers:
        """Normalise over the width, the same in training as out of it.

        y = gamma z + beta with z = (x - mean) / sqrt(variance + floor)

        Parameters
        ----------
        x : array of shape (..., width, n)
        random : Generator or None
            Not used: nothing is drawn here.
        """
        centred = x - x.mean(axis=-2, keepdims=True)
        variance = np.square(centred).mean(axis=-2, keepdims=True)
        self.inverse = 1 / np.sqrt(variance + VARIANCE_FLOOR)  # (..., 1, n)
        self.normalised = centred * self.inverse  # z
        return self.normalised * self.gamma[:, None] + self.beta[:, None]

    def backward(self, grad: Numbers) -> Numbers:
        """Differentiate after ``forward``.

        With g the gradient of y, u = gamma g and means over the width:
        dL/dx = (u - mean(u) - z mean(u z)) / sqrt(variance + floor).
        """
        # Over windows, and over sessions if there are any: all axes but the width.
        others = tuple(axis for axis in range(grad.ndim) if axis != grad.ndim - 2)
        np.sum(grad * self.normalised, axis=others, out=self.grads[0])  # dL/dgamma
        np.sum(grad, axis=others, out=self.grads[1])  # dL/dbeta
        scaled = grad * self.gamma[:, None]  # u
        along = (scaled * self.normalised).mean(axis=-2, keepdims=True)  # mean(u z)
        scaled -= scaled.mean(axis=-2, keepdims=True)
        return (scaled - self.normalised * along) * self.inverse


class DropoutLayer:
    """Dropout: a fraction of the values is 0 in training, the rest grows to match."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def forward(self, x: Numbers, random: Random | None) -> Numbers:
        """Drop values in training: y = x mask / (1 - rate).

        The mask takes 16 random bits per value, which meets a rate of 0.3 to 3e-6.

        Parameters
        ----------
        x : array of any shape
        random : Generator or None
            None: not in training, nothing is dropped.
        """
        if random is None:
            return x
        # One draw of 64 bits masks four values.
        bits = random.bit_generator.random_raw(-(-x.size // 4)).view(np.uint16)
        kept = bits[: x.size].reshape(x.shape) >= round(self.rate * 2**16)
        self.mask = kept * x.dtype.type(1 / (1 - self.rate))
        return x * self.mask

    def backward(self, grad: Numbers) -> Numbers:
        """Differentiate after ``forward``: dL/dx = dL/dy mask / (1 - rate)."""
        return grad * self.mask


class DenseLayer:
    """A fully connected layer: (width, n) to (units, n)."""

    def __init__(
        self, weights: list[Numbers], grads: list[Numbers], *, rectified: bool
    ) -> None:
        self.kernel, self.bias = weights
        self.grads, self.rectified = grads, rectified

    def forward(self, x: Numbers, random: Random | None) -> Numbers:
        """Apply the layer: y = K' x + b, and max(y, 0) where it is rectified.

        Parameters
        ----------
        x : array of shape (width, n)
        random : Generator or None
            Not used: nothing is drawn here.
        """
        self.inputs = x
        # (units, width) @ (width, n) + (units, 1)
        self.outputs = self.kernel.T @ x + self.bias[:, None]
        if self.rectified:
            np.maximum(self.outputs, 0, out=self.outputs)
        return self.outputs

    def backward(self, grad: Numbers) -> Numbers:
        """Differentiate after ``forward``, with g the gradient of y."""
        if self.rectified:
            grad = grad * (self.outputs > 0)
        np.matmul(self.inputs, grad.T, out=self.grads[0])  # dL/dK = x g'
        np.sum(grad, axis=1, out=self.grads[1])  # dL/db = sum(g)
        return self.kernel @ grad  # dL/dx = K g, (width, n)


def _mean(x: Numbers) -> Numbers:
    """Average over sessions, if there are any, and windows: (width,)."""
    over_sessions = x.mean(axis=0) if x.ndim == 3 else x
    return np.asarray(over_sessions.mean(axis=-1))


def _wide(values: Numbers, x: Numbers) -> Numbers:
    """Repeat (width,) values per window: blocks are faster than broadcasts."""
    return values.repeat(x.shape[-1]).reshape(-1, x.shape[-1])
