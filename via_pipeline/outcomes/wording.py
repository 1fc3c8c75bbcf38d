"""A row in a Dutch sentence, said as strongly as its claim allows and no stronger.

Belongs here: Dutch numbers, the sentence of a row, and the list of words that only a causal claim
may use. Does not belong here: deciding the claim (``methods.registry``).

A sentence is put together from fixed parts; only labels, numbers and reasons vary, and labels are
checked against ``CAUSAL_WORDS`` when a plan is read.
"""

from __future__ import annotations

import math
import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from via_pipeline.outcomes.methods.registry import Claim
from via_pipeline.outcomes.methods.rows import Effect

LOG_ODDS = "log-kansverhouding"
PERCENTAGE_POINTS = "procentpunt"
PERCENT = "procent"

# Verbs and nouns by which a Dutch reader hears cause and consequence. Word stems: "verhoog"
# finds verhoogt, verhoogde and verhoging. docs/methods.md explains the choice.
CAUSAL_WORDS: tuple[str, ...] = (
    r"leidt\s+tot",
    r"leidde\w*\s+tot",
    r"leiden\s+tot",
    r"zorg(?:t|de|den|en)\s+(?:er\s*)?voor",
    r"veroorza\w+",
    r"oorzaak\w*",
    r"verho(?:og|gen|ging)\w*",
    r"verla(?:ag|gen|ging)\w*",
    r"verbeter\w*",
    r"verslechter\w*",
    r"vergro(?:ot|ten|ting)\w*",
    r"verklein\w*",
    r"vermind(?:er)\w*",
    r"versterk\w*",
    r"verzwak\w*",
    r"bevorder\w*",
    r"voorkom(?:t|en|ing)?\b",
    r"voorkw\w+",
    r"help(?:t|en)\b",
    r"hielp(?:en)?\b",
    r"dra(?:agt|gen)\s+(?:\w+\s+)?bij",
    r"droeg(?:en)?\s+(?:\w+\s+)?bij",
    r"bijdra\w+",
    r"result(?:eert|eerde|eren)\s+in",
    r"bewerkstellig\w*",
    r"teweeg\w*",
    r"toe\s+te\s+schrijven",
    r"toegeschreven",
    r"dankzij",
    r"vanwege",
    r"omdat",
    r"doordat",
    r"door\s+(?:de|het|een|deze|dit)\s+(?:aanpak|pilot|interventie|nudge|begeleiding|training)",
    r"als\s+gevolg\s+van",
    r"tot\s+gevolg",
    r"gevolg\w*",
    r"effect\w*",
    r"impact",
    r"invloed\w*",
    r"beïnvloed\w*",
    r"werkt\s+(?:goed|niet|beter|wel)",
    r"werkzaam\s+gebleken",
    r"succesvol\w*",
)
_CAUSAL = re.compile("|".join(rf"\b(?:{word})" for word in CAUSAL_WORDS), re.IGNORECASE)

_MONTHS = [
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
]
_CLOSING = {
    Claim.SAMENHANG: "Dit is een samenhang; de opzet laat geen sterkere uitspraak toe.",
    Claim.BESCHRIJVEND: "Dit beschrijft de waargenomen groep.",
    Claim.DOELBEREIK: "Dit is de stand ten opzichte van het doel.",
}
_STATUS = {
    "voorlopig": "Voorlopig cijfer",
    "nader_voorlopig": "Nader voorlopig cijfer",
    "definitief": "Definitief cijfer",
}


def number(value: float, decimals: int = 1) -> str:
    """A number as Dutch readers write it: decimal comma, thousands by a no-break space.

    Rounds half away from zero; never prints minus zero.
    """
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    text = f"{rounded + 0 if rounded else abs(rounded):,.{decimals}f}"
    return text.replace(",", "\u00a0").replace(".", ",").replace("-", "−")


def day(value: date) -> str:
    """A date in Dutch words: 30 september 2020."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def causal_words(text: str) -> list[str]:
    """The causal words in ``text``, as they stand there."""
    return [match.group(0) for match in _CAUSAL.finditer(text)]


def sentence(row: Effect, group: str | None = None) -> str:
    """The Dutch sentence of one row; ``group`` is how readers call its group (else its code).

    Withheld rows say only why. ``p_adjusted``, where there is one, decides whether a difference
    is called distinguishable from zero.
    """
    subject = _subject(row, group)
    parts = []
    if row.estimate is None:
        parts.append(f"{subject}: geen cijfer, want {row.reden}.")
    else:
        parts.append(f"{subject}: {_figure(row)}{_interval(row)}.")
        parts += _reading(row)
        if row.reden:
            parts.append(f"{row.reden[0].upper()}{row.reden[1:]}.")
    if not row.is_planned:
        parts.append("Deze uitkomst stond niet in het analyseplan en is verkennend.")
    parts.append(f"{_STATUS.get(row.status, 'Cijfer')}, stand {day(row.reading_date)}.")
    return " ".join(parts)


def _subject(row: Effect, group: str | None) -> str:
    label = row.uitkomst_label[0].upper() + row.uitkomst_label[1:]
    if row.groep in ("", "totaal"):
        return label
    return f"{label} ({group or row.groep.replace('_', '-')})"


def _figure(row: Effect) -> str:
    value = row.estimate or 0.0
    if row.claim == Claim.DOELBEREIK:
        return f"{number(value)} procent van het doel"
    if row.eenheid == PERCENT or not row.contrast:
        return f"{number(value)} {row.eenheid}"
    if row.eenheid == LOG_ODDS:
        return f"kansverhouding {number(_odds(value), 2)}, {row.contrast}"
    if number(value) in ("0,0",):
        return f"geen verschil ({number(0.0)} {row.eenheid}), {row.contrast}"
    direction = "hoger" if value > 0 else "lager"
    return f"{number(abs(value))} {row.eenheid} {direction}, {row.contrast}"


def _interval(row: Effect) -> str:
    if row.ci_low is None or row.ci_high is None or row.estimate is None:
        return ""
    low, high = row.ci_low, row.ci_high
    if row.eenheid == LOG_ODDS:
        texts = number(_odds(low), 2), number(_odds(high), 2)
    elif not row.contrast or row.eenheid == PERCENT:
        texts = number(low), number(high)
    elif number(low).startswith("−") and not number(high).startswith("−"):
        # Both directions are within the interval: a word at each end, so that no sign is missed.
        texts = f"{number(-low)} lager", f"{number(high)} hoger"
    elif row.estimate < 0:
        # "3,1 lager" carries its sign in a word: the interval is turned the same way round.
        texts = number(-high), number(-low)
    else:
        texts = number(low), number(high)
    return f"; 95%-betrouwbaarheidsinterval {texts[0]} tot {texts[1]}"


def _reading(row: Effect) -> list[str]:
    """What may be said about the figure, by its claim."""
    claim = Claim(row.claim)
    p = row.p if row.p_adjusted is None else row.p_adjusted
    is_distinguishable = p is not None and p < 0.05
    if claim is Claim.CAUSAAL:
        if p is None:
            return ["Een toets is niet gedaan."]
        if is_distinguishable:
            return ["Dit verschil is aan de aanpak toe te schrijven."]
        return ["Er is geen effect aangetoond."]
    parts = []
    if p is not None and not is_distinguishable:
        parts.append("Het verschil is statistisch niet van nul te onderscheiden.")
    parts.append(_CLOSING[claim])
    return parts


def _odds(value: float) -> float:
    return math.exp(max(-700.0, min(700.0, value)))
