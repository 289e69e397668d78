"""The one way TensorFlow starts here: one thread, no accelerator, fixed kernels.

Sums depend on how many threads share them, so every process that fits or forecasts is
pinned before TensorFlow does its first sum. Import ``keras`` from here only. Speed
comes from several processes, see ``training``.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from nse_lstm.errors import ArtefactError
from nse_lstm.models.pinning import PINNED

__all__ = ["keras", "set_seeds", "tf"]


@contextmanager
def _without_banners() -> Iterator[None]:
    """Keep TensorFlow's start-up lines, which no setting silences, off the page."""
    with tempfile.TemporaryFile() as sink:
        stderr = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


os.environ.update(PINNED)
with _without_banners():
    import keras
    import tensorflow as tf

# A keras.json in the home folder may say otherwise.
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")
keras.config.set_max_epochs(None)
keras.config.set_max_steps_per_epoch(None)

try:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with _without_banners():
        tf.config.list_logical_devices()
except RuntimeError:
    raise ArtefactError(
        "Expected to start TensorFlow with one thread, so that results repeat to the "
        "bit. Received: a process where it already runs with more; start afresh"
    ) from None


def set_seeds(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and make TensorFlow's operations repeatable.

    Parameters
    ----------
    seed : int
        From 0 to 2**31 - 1.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
