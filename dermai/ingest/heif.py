"""HEIC, as iPhones take it, and AVIF: opened as pictures whose colours are known, not decoded yet."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from dermai.ingest.heif_properties import PrimaryPicture, brands, primary_picture
from dermai.ingest.unusable import UnusablePhotograph
from dermai.ingest.wide_colours import profile_of
from dermai.language.messages import message

HEIC, AVIF = "HEIC", "AVIF"
AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"miaf"}
MOVING = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1", b"avis"}  # brands of files that hold sequences
CODECS = {  # kinds of items that are pictures, and what they are called
    "av01": "AV1", "avc1": "AVC", "evc1": "EVC", "j2k1": "JPEG 2000", "jpeg": "JPEG", "unci": "no compression",
    "vvc1": "VVC",
}  # fmt: skip
HDR = {16: "PQ", 18: "HLG"}  # transfer functions of ITU-T H.273
LIKE_SRGB = (1, 2, 4, 6, 13, 14, 15)  # transfer functions of a picture that is made for an ordinary screen
EXPORT = message("export it as JPEG")


def heif_kind(first: bytes) -> str:
    """HEIC or AVIF by the first bytes of a file; "" where it is neither."""
    found = set(brands(first))
    if found & AVIF_BRANDS:
        return AVIF
    return HEIC if found & (HEIC_BRANDS | MOVING) else ""


def open_heif(path: Path, kind: str) -> Image.Image:
    """The picture that a viewer shows of a HEIC or AVIF file; its pixels are decoded when they are loaded.

    It is turned by the container's own properties alone, as the standards say: the decoder does so for HEIC, the
    EXIF orientation that Pillow makes of them for AVIF. Of 10 and 12 bits the upper 8 are taken.

    Raises:
        UnusablePhotograph: a sequence, a picture for a HDR screen or in unknown colours, another codec, or damaged.
    """
    with path.open("rb") as stream:
        major = brands(stream.read(12))[0]
    if major in MOVING:
        sequence = message("%(kind)s with a sequence of pictures, which is not read", kind=kind)
        raise UnusablePhotograph(sequence, message("export one picture as JPEG"))
    said = primary_picture(path)
    try:
        opened = _opened(path, kind)
    except Exception as error:  # whatever the decoders raise on files that they cannot read
        raise _unreadable(kind, said, error) from None
    # XMP, too, may say an orientation, which Pillow would take for that of an AVIF
    opened.info = {
        name: value for name, value in opened.info.items() if name in ("icc_profile", "exif", "transparency")
    }
    if said.colours is not None:
        primaries, transfer = said.colours
        if transfer in HDR:
            raise _made_for_hdr(kind, said.bits, HDR[transfer])
        profile = None if "icc_profile" in opened.info else _profile(kind, primaries, transfer)
        if profile is not None:
            opened.info["icc_profile"] = profile
    return opened


def _opened(path: Path, kind: str) -> Image.Image:
    if kind == AVIF:
        return Image.open(path, formats=(AVIF,))
    from pi_heif import options
    from pi_heif.as_plugin import HeifImageFile

    options.DECODE_THREADS = 1  # photographs are decoded side by side
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    return HeifImageFile(path)


def _unreadable(kind: str, said: PrimaryPicture, error: Exception) -> UnusablePhotograph:
    codecs = sorted(CODECS[codec] for codec in said.codecs if codec in CODECS and (kind, codec) != (AVIF, "av01"))
    if codecs:
        coded = message("%(kind)s coded with %(codecs)s, which is not read", kind=kind, codecs=" and ".join(codecs))
        return UnusablePhotograph(coded, EXPORT)
    reason = message("the %(kind)s is damaged (%(why)s)", kind=kind, why=" ".join(str(error).split()))
    if isinstance(error, UnidentifiedImageError):
        reason = message("the %(kind)s is damaged", kind=kind)
    return UnusablePhotograph(reason, message("export the photograph again"))


def _made_for_hdr(kind: str, bits: int, curve: str) -> UnusablePhotograph:
    depth = f"{bits}-bit " if bits else ""
    name = message(
        "%(kind)s with %(depth)sHDR brightness (%(curve)s), which is not read", kind=kind, depth=depth, curve=curve
    )
    return UnusablePhotograph(name, message("export it as JPEG, or switch HDR off in the camera's settings"))


def _profile(kind: str, primaries: int, transfer: int) -> bytes | None:
    """The colour profile of a picture that names its colours by numbers."""
    try:
        if transfer not in LIKE_SRGB:
            raise KeyError(transfer)
        return profile_of(primaries)
    except KeyError:
        said = message(
            "%(kind)s in colours that are not read (primaries %(count)s, transfer function %(total)s of H.273)",
            kind=kind,
            count=primaries,
            total=transfer,
        )
        raise UnusablePhotograph(said, EXPORT) from None
