"""Packs many small pieces of bytes into compressed frames, each piece once."""

from hashlib import blake2b

from elfgate.rootfs import form

_FRAME_BYTES = 64 << 10  # unpacking one takes some 50 µs; larger ones save little


class Pieces:
    """Pieces of one sort.

    Frames are compressed as they fill, so that what waits in memory stays small.

    Attributes:
        lengths: Bytes of each piece, in the order added.
        digests: A digest of each piece.
        frames: The compressed frames.
        frame_sizes: Bytes of each frame, unpacked.
        total: Bytes of all pieces.
    """

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.digests: list[bytes] = []
        self.frames: list[bytes] = []
        self.frame_sizes: list[int] = []
        self.total = 0
        self._numbers: dict[bytes, int] = {}
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    def add(self, piece: bytes) -> int:
        """Add a piece, unless it is there already.

        Returns:
            Its number, from 1; 0 for an empty piece, which needs no place.
        """
        if not piece:
            return 0
        digest = blake2b(piece, digest_size=form.DIGEST_BYTES).digest()
        number = self._numbers.get(digest)
        if number is not None:
            return number
        if self._waiting_bytes + len(piece) > _FRAME_BYTES:
            self.flush()
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)
        self.lengths.append(len(piece))
        self.digests.append(digest)
        self.total += len(piece)
        self._numbers[digest] = len(self.lengths)
        return len(self.lengths)

    def flush(self) -> None:
        """Compress what waits."""
        if self._waiting:
            self.frames.append(form.pack(b"".join(self._waiting)))
            self.frame_sizes.append(self._waiting_bytes)
            self._waiting, self._waiting_bytes = [], 0
