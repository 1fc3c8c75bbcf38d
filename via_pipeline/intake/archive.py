"""Open a ZIP from outside without harm: members in memory, within limits, under honest names.

Belongs here: what makes an archive unsafe or unreadable, and the limits. Nothing is ever extracted
to disk. Workbooks (XLSX, ODS) are ZIPs too and pass the same checks.
"""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from via_pipeline.intake.content import Content
from via_pipeline.intake.trouble import Refused

# Far above what any of the eight pilots can send, far below what a machine of 8 GB can hold.
MAX_MEMBERS = 1_000
MAX_TOTAL_BYTES = 2 << 30
# Deflate reaches at most 1032:1; text tables reach 5 to 40. Small members may be anything.
MAX_RATIO = 200
RATIO_FROM_BYTES = 10 << 20
_CHUNK = 1 << 20
# What Python's zipfile raises for spoiled bytes: offsets that point nowhere, sizes below nothing,
# a member packed by a method that is not what its bytes are.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    ValueError,
    NotImplementedError,
)


def is_zip(content: Content) -> bool:
    """Whether the content starts as a ZIP does (also an empty one)."""
    return content.head(4) in (b"PK\x03\x04", b"PK\x05\x06")


def members(content: Content) -> list[Content]:
    """Every file of the archive, in memory, ordered by name.

    Raises:
        Refused: the archive is damaged, encrypted, too large, or names are not honest.
    """
    with opened(content) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        if not infos:
            raise Refused("bestand__leeg", "Het ZIP-bestand bevat geen bestanden.")
        room = MAX_TOTAL_BYTES
        found = []
        for info in sorted(infos, key=lambda item: item.filename):
            data = _read(archive, info, room)
            room -= len(data)
            found.append(Content(info.filename, data=data))
        return found


@contextmanager
def opened(content: Content) -> Iterator[zipfile.ZipFile]:
    """The archive, its directory checked; reading a member is the caller's (see ``read_member``).

    Raises:
        Refused: as ``members``.
    """
    with content.open() as handle:
        try:
            archive = zipfile.ZipFile(handle)
        except _DAMAGED:
            raise _damaged() from None
        with archive:
            _check_directory(archive)
            yield archive


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """One member's bytes, within the limits.

    Raises:
        Refused: the member is damaged or too large.
    """
    return _read(archive, archive.getinfo(name), MAX_TOTAL_BYTES)


def _check_directory(archive: zipfile.ZipFile) -> None:
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise Refused(
            "bestand__zip_te_groot",
            f"Het ZIP-bestand bevat {len(infos)} bestanden; het maximum is {MAX_MEMBERS}.",
        )
    names: set[str] = set()
    for info in infos:
        _check_name(info)
        folded = info.filename.casefold()
        if folded in names:
            raise Refused(
                "bestand__zip_pad", "Het ZIP-bestand bevat twee keer een bestand met dezelfde naam."
            )
        names.add(folded)
        if info.flag_bits & 0x1:
            raise Refused(
                "bestand__wachtwoord",
                "Het ZIP-bestand is met een wachtwoord beveiligd en kan niet worden gelezen. "
                "Lever het zonder wachtwoord aan via het afgesproken beveiligde kanaal.",
            )
    if sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
        raise _too_large()


def _check_name(info: zipfile.ZipInfo) -> None:
    """Names that lead outside, differ by reader, or are no plain file at all."""
    name = info.orig_filename
    parts = name.split("/")
    dishonest = (
        "\0" in name
        or "\\" in name
        or name.startswith("/")
        or ".." in parts
        or (len(name) > 1 and name[1] == ":")
        or any(ord(sign) < 32 for sign in name)
    )
    if dishonest:
        raise Refused(
            "bestand__zip_pad",
            "Het ZIP-bestand bevat een bestandsnaam met een pad dat buiten het archief wijst "
            "(.., een schijfletter, een schuine streep aan het begin of een backslash). Pak de "
            "bestanden opnieuw in, zonder mappen.",
        )
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused(
            "bestand__zip_pad",
            "Het ZIP-bestand bevat een verwijzing (symbolic link) in plaats van een bestand. "
            "Pak de bestanden zelf in.",
        )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: int) -> bytes:
    """Decompress in pieces and count what really comes out: the directory's sizes may lie."""
    pieces: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as member:
            while piece := member.read(_CHUNK):
                size += len(piece)
                if size > room:
                    raise _too_large()
                if size > RATIO_FROM_BYTES and size > MAX_RATIO * max(info.compress_size, 1):
                    raise Refused(
                        "bestand__zip_bom",
                        f"Een bestand in het archief is bij het uitpakken meer dan {MAX_RATIO} "
                        "keer zo groot als ingepakt. Dat is geen gewone levering; het archief is "
                        "niet verder uitgepakt.",
                    )
                pieces.append(piece)
    except _DAMAGED:
        raise _damaged() from None
    except RuntimeError:  # zipfile's word for a member that needs a password
        raise Refused(
            "bestand__wachtwoord",
            "Een bestand in het archief is met een wachtwoord beveiligd. Lever het zonder "
            "wachtwoord aan via het afgesproken beveiligde kanaal.",
        ) from None
    return b"".join(pieces)


def _damaged() -> Refused:
    return Refused(
        "bestand__zip",
        "Het ZIP-bestand is beschadigd of niet helemaal overgekomen. Maak het opnieuw en lever "
        "het nog een keer.",
    )


def _too_large() -> Refused:
    return Refused(
        "bestand__zip_te_groot",
        f"De uitgepakte inhoud is groter dan {MAX_TOTAL_BYTES >> 30} GB. Splits de levering.",
    )
