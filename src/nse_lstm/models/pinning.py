"""The environment of every process that fits or forecasts.

Sums depend on how many threads share them and on the kernels that form them, so both
are fixed before TensorFlow and NumPy do their first sum.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def _kernels() -> dict[str, str]:
    """Name NumPy's matrix kernels where they would not detect the processor.

    OpenBLAS takes new processors with 512-bit vectors for old ones without, and is then
    half as fast.
    """
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    found = set(np.show_config(mode="dicts")["SIMD Extensions"]["found"])
    # NumPy's names for the same set of instructions, new and old.
    if "openblas" in blas and found & {"X86_V4", "AVX512_SKX"}:
        return {"OPENBLAS_CORETYPE": "SKYLAKEX"}
    return {}


PINNED = {
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    **_kernels(),
}


@contextmanager
def pinned_environment() -> Iterator[None]:
    """Let processes that are started meanwhile be pinned from their first moment."""
    before = {name: os.environ.get(name) for name in PINNED}
    os.environ.update(PINNED)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
