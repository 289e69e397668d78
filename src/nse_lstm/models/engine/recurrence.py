"""The recurrence: one LSTM layer over all sessions as a single operation.

``BlockLSTM`` keeps its four gates in one product a session and brings a gradient as
compact. Its successor ``BlockLSTMV2`` must not be trained with: TensorFlow 2.21
computes a wrong gradient for it (gates f and c are mixed up), without a word.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nse_lstm.models.runtime import tf

__all__ = ["from_fused", "lstm", "to_fused"]

Tensor = Any
Numbers = NDArray[np.float32]


def lstm(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor) -> Tensor:
    """Apply an LSTM layer from a zero state.

    Parameters
    ----------
    x : Tensor of shape (lookback, n, channels)
        Sessions first.
    kernel, recurrent, bias : Tensor
        (channels, 4 units), (units, 4 units), (4 units,), with gates in the order of
        ``to_fused``.

    Returns
    -------
    Tensor of shape (lookback, n, units)
        The state after each session.
    """
    units = recurrent.shape[0]
    start = tf.zeros([tf.shape(x)[1], units])
    unused = tf.zeros([units])
    return tf.raw_ops.BlockLSTM(
        seq_len_max=tf.constant(x.shape[0], tf.int64),
        x=x,
        cs_prev=start,
        h_prev=start,
        w=tf.concat([kernel, recurrent], axis=0),
        wci=unused,
        wcf=unused,
        wco=unused,
        b=bias,
        # Keras's bias of the forget gate is in the bias already.
        forget_bias=0.0,
        # 0 clips nothing; the operation's own default would.
        cell_clip=0.0,
        use_peephole=False,
    ).h


def to_fused(weight: Numbers) -> Numbers:
    """Reorder the last axis from Keras's gates i, f, c, o to i, c, f, o.

    Examples
    --------
    >>> to_fused(np.array([1, 2, 3, 4]))
    array([1, 3, 2, 4])
    """
    i, f, c, o = np.split(weight, 4, axis=-1)
    return np.concatenate([i, c, f, o], axis=-1)


def from_fused(weight: Numbers) -> Numbers:
    """Undo ``to_fused``, which is its own inverse.

    Examples
    --------
    >>> from_fused(np.array([1, 3, 2, 4]))
    array([1, 2, 3, 4])
    """
    return to_fused(weight)
