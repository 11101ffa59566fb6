"""QR codes as paths of unit squares."""

import segno

from ..errors import PaperInvalidError


def squares(address: str) -> tuple[str, int]:
    """Return a path for SVG, and how many squares there are on a side, quiet zone included.

    `PaperInvalidError` where an address is too long for a code.
    """
    try:
        code = segno.make_qr(address, error="m")
    except segno.DataOverflowError as err:
        raise PaperInvalidError("scan") from err
    rows = list(code.matrix_iter(border=4))
    path = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    return path, len(rows)
