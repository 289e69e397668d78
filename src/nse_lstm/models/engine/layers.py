"""The layers beside the recurrence: normalisation, dropout, fully connected.

Each takes a batch there (``forward``) and its slope back (``backward``), windows last
in memory: (sessions, width, n) within the recurrent part, (width, n) after it. What
training changes is handed in as arrays that are read at every call.
"""

import numpy as np
from numpy.typing import NDArray

MOMENTUM, VARIANCE_FLOOR = 0.99, 1e-3
"""Keras's batch normalisation."""

Numbers = NDArray[np.floating]
Random = np.random.Generator


class Normalisation:
    """Batch normalisation over windows and sessions.

    Parameters
    ----------
    weights, slopes : (gamma, beta) and what gets their gradients
        Arrays of shape (width,).
    moving : (mean, variance)
        Arrays of shape (width,); they follow every batch that is trained on.
    """

    def __init__(
        self, weights: list[Numbers], slopes: list[Numbers], moving: list[Numbers]
    ) -> None:
        self.gamma, self.beta = weights
        self.slopes, self.moving = slopes, moving

    def forward(self, x: Numbers, random: Random | None) -> Numbers:
        """Normalise by the batch when training, by the moving statistics if not."""
        mean, variance = self.moving
        if random is not None:
            mean = _mean(x)
        self.centred = x - _wide(mean, x)
        if random is not None:
            variance = _mean(self.centred**2)
            for moving, now in zip(self.moving, (mean, variance), strict=True):
                moving += (now - moving) * (1 - MOMENTUM)
        self.inverse = 1 / (variance + VARIANCE_FLOOR)
        self.scale = self.gamma * np.sqrt(self.inverse)
        y = self.centred * _wide(self.scale, x)
        y += _wide(self.beta, x)
        return y

    def backward(self, slope: Numbers) -> Numbers:
        """Differentiate after a batch that was trained on."""
        count = slope.size // len(self.gamma)
        by_beta, along = _mean(slope), _mean(slope * self.centred)
        np.multiply(along, count * np.sqrt(self.inverse), out=self.slopes[0])
        np.multiply(by_beta, count, out=self.slopes[1])
        back = self.centred * _wide(along * self.inverse, slope)
        np.subtract(slope, back, out=back)
        back -= _wide(by_beta, slope)
        back *= _wide(self.scale, slope)
        return back


class Mask:
    """Dropout."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def forward(self, x: Numbers, random: Random | None) -> Numbers:
        """Set a share of values to 0 in training, by 16 bits each: 0.3 to 3e-6."""
        if random is None:
            return x
        bits = random.bit_generator.random_raw(-(-x.size // 4)).view(np.uint16)
        kept = bits[: x.size].reshape(x.shape) >= round(self.rate * 2**16)
        self.kept = kept * x.dtype.type(1 / (1 - self.rate))
        return x * self.kept

    def backward(self, slope: Numbers) -> Numbers:
        """Differentiate after ``forward``."""
        return slope * self.kept


class Connection:
    """A fully connected layer: (width, n) to (units, n)."""

    def __init__(
        self, weights: list[Numbers], slopes: list[Numbers], *, rectified: bool
    ) -> None:
        self.kernel, self.bias = weights
        self.slopes, self.rectified = slopes, rectified

    def forward(self, x: Numbers, random: Random | None) -> Numbers:
        """Apply the layer."""
        self.given = x
        self.outputs = self.kernel.T @ x + self.bias[:, None]
        if self.rectified:
            np.maximum(self.outputs, 0, out=self.outputs)
        return self.outputs

    def backward(self, slope: Numbers) -> Numbers:
        """Differentiate after ``forward``."""
        if self.rectified:
            slope = slope * (self.outputs > 0)
        np.matmul(self.given, slope.T, out=self.slopes[0])
        np.sum(slope, axis=1, out=self.slopes[1])
        return self.kernel @ slope


def _mean(x: Numbers) -> Numbers:
    """Average over sessions, if there are, and windows."""
    over_sessions = x.mean(axis=0) if x.ndim == 3 else x
    return np.asarray(over_sessions.mean(axis=-1))


def _wide(values: Numbers, x: Numbers) -> Numbers:
    """Repeat (width,) values for every window: blocks are faster than broadcasts."""
    return values.repeat(x.shape[-1]).reshape(-1, x.shape[-1])
