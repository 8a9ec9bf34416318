"""Files that are either the old one or the whole new one, never half of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def replace_file(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, then put it in the place of `path`.

    When `write` fails, or is interrupted, the temporary file goes and `path` stays as it was.

    Parameters
    ----------
    path : path-like
        The file to make. Its directory must exist. A symbolic link is followed.
    write : callable
        Called with the path of the temporary file.

    Returns
    -------
    pathlib.Path
        `path`, as it was given.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        The directory of `path` does not exist, or `path` is a directory itself.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     new = replace_file(Path(folder) / "a.txt", lambda p: p.write_text("whole"))
    ...     new.read_text(), [p.name for p in Path(folder).iterdir()]
    ('whole', ['a.txt'])
    """
    given, target = Path(path), check_target(path)
    temporary = _beside(target)
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as err:
        # Of the file that was asked for: nobody knows the temporary one.
        raise type(err)(err.errno, err.strerror or str(err), str(given)) from err
    finally:
        temporary.unlink(missing_ok=True)
    return given


def check_target(path: str | os.PathLike[str]) -> Path:
    """See whether a file can be written, without touching it; return where it really is.

    By trying it: a disk that is mounted read-only, a file that is immutable and a folder that the
    kernel makes up all have permissions that look well.

    Raises
    ------
    OSError
        If it cannot; the message says of which path, and why.
    """
    given = Path(path)
    target = given.resolve()
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {given}: it is a directory; give the name of a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {given}: there is no directory {target.parent}; "
            "create it or give another path"
        )
    temporary = _beside(target)
    try:
        temporary.touch(exist_ok=False)
        temporary.unlink()
        if target.exists():
            with target.open("rb+"):
                pass
    except OSError as err:
        raise type(err)(err.errno, err.strerror, str(given)) from err
    return target


def _beside(target: Path) -> Path:
    """Return the path of a temporary file.

    Beside the target: os.replace is atomic only within one file system. Not from `tempfile`, whose
    files are private to their owner whatever the umask says. Named after the file, so that its
    owner knows what a process that was killed has left; a name has at most 255 bytes.
    """
    return target.parent / f".{target.name[:50]}.{secrets.token_hex(6)}.partial"
