"""What the bytes of a text file say, in whichever encoding they say it.

Byte order marks, UTF-16 and UTF-8 are certain. Older encodings are told by charset-normalizer; where it hesitates
between neighbours (Western, Central European, Turkish, Baltic; Japanese and Korean), the letters of the languages
decide.
"""

from __future__ import annotations

import charset_normalizer

__all__ = ["text_of"]

_SAMPLE = 64 * 1024  # bytes by which an encoding is told
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# fmt: off
_ENCODINGS = [
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "koi8_r",
    "gb18030", "big5", "shift_jis", "euc_jp", "cp949",
]
# Beyond ASCII, the letters of one language each; the more frequent encoding first.
_LETTERS = {
    "cp1252": ("àâçéèêëîïôùûüœæ", "äöüß", "áéíóúüñ", "àèéìíòóù", "áàâãçéêíóôõúü", "éèëïöüá", "åäöé", "æøåé",
               "áðéíóúýþæö"),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ"),
    "cp1254": ("çğıiöşüâîû\u0307",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž"),
}
# fmt: on
_KANA = ("぀", "ヿ")
_LEAST_KANA = 0.2  # share of letters that are kana, in Japanese; chosen, not measured


def text_of(data: bytes) -> str | None:
    """The text of a file; None if it is not text, or its encoding is unknown."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    head = data[:_SAMPLE]
    # The digits, colons and line ends of any subtitle are half zeros in UTF-16.
    for zeros, others, encoding in ((head[1::2], head[0::2], "utf-16-le"), (head[0::2], head[1::2], "utf-16-be")):
        if zeros.count(0) > len(zeros) // 4 > others.count(0):
            return data.decode(encoding, "replace")
    if b"\x00" in head:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Times and numbers tell nothing; lines are never cut, so that no character is.
        lines = head.split(b"\n")[: -1 if len(data) > _SAMPLE else None]
        guess = _encoding(b"\n".join(line for line in lines if not line.isascii()))
    return None if guess is None else data.decode(guess, "replace")


def _encoding(sample: bytes) -> str | None:
    for encoding in ("shift_jis", "euc_jp"):
        if _kana(sample, encoding) >= _LEAST_KANA:
            return encoding
    best = charset_normalizer.from_bytes(sample, cp_isolation=_ENCODINGS).best()
    if best is None or best.encoding not in _LETTERS:
        return None if best is None else best.encoding
    return max(_LETTERS, key=lambda encoding: _fluency(sample, encoding))


def _kana(sample: bytes, encoding: str) -> float:
    """The share of kana among all that is not ASCII; 0 if the bytes are wrong in the encoding."""
    try:
        foreign = [character for character in sample.decode(encoding) if not character.isascii()]
    except UnicodeDecodeError:
        return 0.0
    return sum(_KANA[0] <= character <= _KANA[1] for character in foreign) / max(1, len(foreign))


def _fluency(sample: bytes, encoding: str) -> float:
    """The share of letters beyond ASCII that are one language's, the language that fits best."""
    text = sample.decode(encoding, "replace").lower()
    foreign = [character for character in text if not character.isascii() and (character.isalnum() or character == "�")]
    return max(sum(character in letters for character in foreign) for letters in _LETTERS[encoding]) / max(
        1, len(foreign)
    )
