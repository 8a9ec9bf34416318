"""What is finished of a refit: a file that only grows, line by line, with one writer at a time.

A line that was written stays as it is, whatever dies later: a crash, a full disk or a damaged
sector costs the line that it hit, and no other.
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: there, nothing keeps a second writer out
    fcntl = None  # type: ignore[assignment]

__all__ = ["BusyError", "Journal", "digest"]


class BusyError(Exception):
    """Another process, or another refit of this one, holds the journal."""


def digest(data: Any) -> str:
    """Return 128 bits that tell these bytes from any others, as hexadecimal text."""
    return blake2b(data, digest_size=16).hexdigest()


class Journal:
    """Records in a file, each a JSON object on a line of its own behind its digest.

    Parameters
    ----------
    path : pathlib.Path
        The file; made where it is not there, with the directories above it.

    Raises
    ------
    BusyError
        If it is held by another writer. The lock goes with the process, however that ends.
    OSError
        If it cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self._lock()
            self.records, self.damaged = _parsed(path.read_bytes())
        except BaseException:
            self.close()
            raise

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise BusyError from err
        except OSError:
            pass  # a file system without locks: there, nothing keeps a second writer out

    def add(self, record: dict[str, Any]) -> None:
        """Append a record, and see it onto the disk.

        Raises
        ------
        OSError
            If it cannot be written, for instance because the disk is full.
        """
        body = json.dumps(record).encode()
        # The newline leads, so that what is left of a line that was cut off spoils no other.
        line = memoryview(b"\n" + digest(body).encode() + b" " + body)
        while line:
            line = line[os.write(self._file, line) :]
        os.fsync(self._file)
        self.records.append(record)

    def close(self) -> None:
        """Let the next writer have it."""
        os.close(self._file)


def _parsed(text: bytes) -> tuple[list[dict[str, Any]], int]:
    """Return the records that are whole, and how many are not."""
    lines = [line for line in text.split(b"\n") if line]
    bodies = [line.partition(b" ") for line in lines]
    whole = [body for mark, _, body in bodies if mark == digest(body).encode()]
    return [json.loads(body) for body in whole], len(lines) - len(whole)
