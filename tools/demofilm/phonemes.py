"""The sounds of English as numbers, and how the demo's words are said (ARPAbet).

Formants are those of a man's voice in Hz, after Peterson and Barney (1952) and Klatt (1980), and are scaled for other
vocal tracts. Mouth shapes are what a viewer sees: how far the lips open, how wide they are, how much they round and
how much of the teeth shows, each about 0 to 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PHONES", "Phone", "pronounce"]

Formants = tuple[float, float, float]


@dataclass(frozen=True)
class Phone:
    """One speech sound.

    Attributes:
        ms: length in an unstressed syllable at normal speed.
        formants: where the formants are; two entries for a diphthong, which glides from one to the other. None takes
            those of the neighbour, as h does.
        voice: strength of the vocal folds' sound, 0 to 1.
        breath: strength of noise made at the glottis, which the vocal tract colours.
        hiss: strength of noise made in the mouth.
        band: that noise's centre and width in Hz.
        nasal: frequency of the nasal zero in Hz, or 0.
        closure_ms: for plosives, the silence before the burst, counted in `ms`.
        mouth: opening, width, rounding, teeth.
    """

    ms: float
    formants: tuple[Formants, ...] | None
    mouth: tuple[float, float, float, float]
    voice: float = 0.0
    breath: float = 0.0
    hiss: float = 0.0
    band: tuple[float, float] = (0.0, 1.0)
    nasal: float = 0.0
    closure_ms: float = 0.0

    @property
    def vowel(self) -> bool:
        """Whether it can carry a syllable's stress."""
        return self.voice == 1.0


def _vowel(ms: float, mouth: tuple[float, float, float, float], *formants: Formants) -> Phone:
    return Phone(ms, formants, mouth, voice=1.0)


def _stop(
    ms: float, closure: float, locus: Formants, band: tuple[float, float], mouth: tuple[float, float, float, float],
    *, voice: float = 0.0, breath: float = 0.0, hiss: float = 0.5,
) -> Phone:  # fmt: skip
    return Phone(ms, (locus,), mouth, voice, breath, hiss, band, closure_ms=closure)


_LIPS = (0.0, 0.55, 0.15, 0.0)
_TONGUE = (0.22, 0.62, 0.05, 0.6)
_BACK = (0.3, 0.55, 0.1, 0.25)

PHONES: dict[str, Phone] = {
    "IY": _vowel(120, (0.28, 0.95, 0.0, 0.8), (280, 2270, 2950)),
    "IH": _vowel(95, (0.36, 0.8, 0.0, 0.6), (400, 1980, 2550)),
    "EY": _vowel(150, (0.45, 0.85, 0.0, 0.6), (490, 1920, 2550), (320, 2220, 2750)),
    "EH": _vowel(110, (0.52, 0.8, 0.0, 0.5), (560, 1800, 2500)),
    "AE": _vowel(135, (0.7, 0.85, 0.0, 0.5), (690, 1700, 2450)),
    "AA": _vowel(140, (0.92, 0.6, 0.05, 0.3), (740, 1120, 2450)),
    "AO": _vowel(140, (0.75, 0.42, 0.55, 0.15), (580, 860, 2420)),
    "OW": _vowel(155, (0.6, 0.38, 0.7, 0.1), (520, 960, 2400), (370, 780, 2350)),
    "UH": _vowel(95, (0.38, 0.42, 0.6, 0.15), (440, 1050, 2250)),
    "UW": _vowel(130, (0.28, 0.26, 1.0, 0.0), (310, 930, 2250)),
    "AH": _vowel(100, (0.58, 0.62, 0.05, 0.35), (630, 1210, 2420)),
    "AX": _vowel(60, (0.36, 0.6, 0.05, 0.35), (500, 1420, 2450)),
    "ER": _vowel(130, (0.4, 0.46, 0.4, 0.4), (480, 1300, 1650)),
    "AY": _vowel(180, (0.85, 0.75, 0.0, 0.45), (730, 1230, 2500), (360, 2050, 2600)),
    "AW": _vowel(180, (0.85, 0.5, 0.3, 0.3), (730, 1280, 2450), (400, 900, 2300)),
    "OY": _vowel(180, (0.6, 0.45, 0.6, 0.2), (550, 850, 2400), (370, 1950, 2550)),
    "M": Phone(75, ((270, 1050, 2250),), _LIPS, voice=0.7, nasal=1000),
    "N": Phone(70, ((270, 1550, 2600),), (0.24, 0.64, 0.0, 0.55), voice=0.7, nasal=1600),
    "NG": Phone(85, ((270, 2050, 2600),), _BACK, voice=0.7, nasal=2700),
    "L": Phone(65, ((350, 1080, 2800),), (0.36, 0.6, 0.05, 0.4), voice=0.7),
    "R": Phone(70, ((340, 1120, 1500),), (0.3, 0.38, 0.65, 0.3), voice=0.7),
    "W": Phone(70, ((300, 640, 2200),), (0.16, 0.2, 1.0, 0.0), voice=0.65),
    "Y": Phone(60, ((270, 2250, 3000),), (0.25, 0.88, 0.0, 0.6), voice=0.65),
    "HH": Phone(65, None, (0.45, 0.65, 0.05, 0.3), breath=0.55),
    "S": Phone(105, ((330, 1680, 2600),), (0.14, 0.82, 0.0, 1.0), hiss=0.42, band=(7400, 2600)),
    "Z": Phone(85, ((290, 1680, 2600),), (0.14, 0.8, 0.0, 1.0), voice=0.3, hiss=0.24, band=(7400, 2600)),
    "SH": Phone(110, ((320, 1820, 2600),), (0.24, 0.36, 0.75, 0.7), hiss=0.5, band=(3700, 1500)),
    "ZH": Phone(85, ((290, 1820, 2600),), (0.24, 0.36, 0.75, 0.7), voice=0.35, hiss=0.25, band=(3700, 1500)),
    "F": Phone(95, ((330, 1050, 2150),), (0.1, 0.62, 0.0, 1.0), hiss=0.13, band=(6500, 6500)),
    "V": Phone(65, ((280, 1050, 2150),), (0.1, 0.62, 0.0, 1.0), voice=0.45, hiss=0.06, band=(6500, 6500)),
    "TH": Phone(90, ((330, 1350, 2550),), (0.2, 0.65, 0.0, 0.9), hiss=0.12, band=(7500, 4500)),
    "DH": Phone(50, ((290, 1350, 2550),), (0.2, 0.65, 0.0, 0.9), voice=0.5, hiss=0.04, band=(7500, 4500)),
    "P": _stop(105, 62, (320, 850, 2150), (900, 1500), _LIPS, breath=0.4, hiss=0.3),
    "B": _stop(75, 62, (250, 850, 2150), (700, 1200), _LIPS, voice=0.22, hiss=0.3),
    "T": _stop(105, 55, (320, 1780, 2650), (4800, 2600), _TONGUE, breath=0.38, hiss=0.65),
    "D": _stop(68, 52, (250, 1780, 2650), (4200, 2400), _TONGUE, voice=0.22, hiss=0.42),
    "DX": Phone(32, ((320, 1750, 2600),), _TONGUE, voice=0.38),
    "K": _stop(112, 58, (320, 0, 0), (2100, 1100), _BACK, breath=0.4, hiss=0.6),
    "G": _stop(75, 52, (250, 0, 0), (1900, 1000), _BACK, voice=0.22, hiss=0.42),
    "CH": _stop(135, 52, (320, 1820, 2600), (3700, 1500), (0.22, 0.36, 0.75, 0.7), hiss=0.52),
    "JH": _stop(100, 45, (260, 1820, 2600), (3500, 1500), (0.22, 0.36, 0.75, 0.7), voice=0.28, hiss=0.35),
}
"""A formant of 0 stands for the neighbouring vowel's: k and g are said where the vowel is."""

# Stress marks: 1 carries a pitch accent when the word is accented, 0 or none does not.
_WORDS = """
a AX | again AX G EH1 N | alone AX L OW1 N | always AO1 L W EY Z | and AX N D | another AX N AH1 DH ER | are AA R
at AE T | be B IY | boat B OW1 T | burning B ER1 N IH NG | by B AY | came K EY1 M | come K AH1 M | comes K AH1 M Z
coming K AH1 M IH NG
could K UH D | dark D AA1 R K | do D UW | don't D OW1 N T | door D AO1 R | every EH1 V R IY | for F AO R
forty F AO1 R DX IY | friend F R EH1 N D | go G OW1 | going G OW1 IH NG | good G UH1 D | have HH AE V | here HH IY1 R
home HH OW1 M | i AY | i'm AY M | in IH N | is IH Z | it IH T | keep K IY1 P | knew N UW1 | know N OW1
lamp L AE1 M P | let L EH1 T | life L AY1 F | light L AY1 T | lonely L OW1 N L IY | look L UH1 K | lost L AO1 S T
morning M AO1 R N IH NG | my M AY | never N EH1 V ER | night N AY1 T | no N OW1 | nobody N OW1 B AA D IY | not N AA1 T
of AX V | on AO N | one W AH N | open OW1 P AX N | opening OW1 P AX N IH NG | out AW1 T | please P L IY1 Z
saved S EY1 V D | saw S AO1 | sea S IY1 | see S IY1 | sit S IH1 T | so S OW1 | some S AX M | somebody S AH1 M B AA D IY
someone S AH1 M W AH N | stay S T EY1 | strong S T R AO1 NG | tea T IY1 | the DH AX | then DH EH1 N | there DH EH1 R
to T AX | tom T AA1 M | tonight T AX N AY1 T | too T UW1 | was W AH Z | water W AO1 DX ER | we W IY | were W ER
what W AH1 T | who HH UW1 | will W IH L | wind W IH1 N D | with W IH TH | years Y IY1 R Z | yes Y EH1 S | you Y UW
your Y AO R | down D AW1 N | ada EY1 D AX | mara M AA1 R AX | storm S T AO1 R M | that DH AE1 T
has HH AE Z | yet Y EH1 T
"""

_DICTIONARY: dict[str, tuple[str, ...]] = {
    word: tuple(sounds) for word, *sounds in (entry.split() for entry in re.split(r"[|\n]", _WORDS) if entry.strip())
}


def pronounce(word: str) -> tuple[str, ...]:
    """A word of the script as ARPAbet sounds with stress marks.

    Raises:
        KeyError: the word is not in the dictionary; add it there when the script changes.
    """
    return _DICTIONARY[word.lower()]
