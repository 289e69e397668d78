"""Explain the operating system's errors in one line: what, where, what to do."""

import errno
import os

REMEDIES = {
    errno.ENOSPC: "free space on that disk, or choose another folder",
    errno.EDQUOT: "free space within your quota, or choose another folder",
    errno.EROFS: "choose a folder on a disk that can be written",
    errno.EACCES: "give yourself the right, or choose another folder",
    errno.EPERM: "give yourself the right, or choose another folder",
    errno.EISDIR: "a folder is in the way of a file: move it, or choose another name",
    errno.ENOTDIR: "a file is in the way of a folder: move it, or choose another name",
    errno.EEXIST: "something is in the way: move it, or choose another name",
    errno.ENOTEMPTY: "something is in the way: move it, or choose another name",
    errno.ENOENT: "check the path, or make its folder first",
    errno.EMFILE: "raise the limit of open files: ulimit -n 4096",
    errno.EADDRINUSE: "another program listens there: choose another PORT",
    errno.EADDRNOTAVAIL: "this machine has no such address: choose another HOST",
}
"""What to do, by the error's number."""


def explain_system_error(error: OSError) -> str:
    """Return one line with the error, its path and the remedy.

    Examples
    --------
    >>> explain_system_error(OSError(errno.ENOSPC, "No space left on device", "a.csv"))
    'No space left on device: a.csv; free space on that disk, or choose another folder'
    """
    what = error.strerror or str(error) or type(error).__name__
    path = error.filename2 or error.filename
    place = "" if path is None else f": {os.fsdecode(path)}"
    remedy = REMEDIES.get(error.errno or 0, "run it again; make doctor looks further")
    return f"{what}{place}; {remedy}"
