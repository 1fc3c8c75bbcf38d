"""Which of a partner's own names may be repeated: of files, folders, sheets and columns.

A name is typed by a person and may hold one: ``levering_jansen_123456782.csv``, or the first row of
data where a header should stand. It comes back in reports, checks, the ledger and the event log. So
a name is repeated word by word, and only the words that this house gave its partners (source,
column, key field, code list, what the file pattern spells out), words of the trade, years, periods
and short codes. Any other word becomes ``xxx``; a file then carries the first eight hexadecimal
digits of its bytes' hash, so that it can still be told from others.

Belongs here: that rule. Does not belong here: values of cells (``masking.py``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import cache

from via_pipeline.contracts.model import SOURCES, Contract, load_all

HIDDEN = "xxx"
_WORD = re.compile(r"[^\W_]+")
# Years, halves, quarters, versions, a letter or digits short enough to number things.
_CODE = re.compile(
    r"20[1-4]\d|20[1-4]\d(?:H[12]|KW[1-4])|H[12]|KW[1-4]|\d{1,2}|v\d{1,2}|[A-Za-z]\d{0,2}",
    re.IGNORECASE,
)
_SUFFIXES = frozenset(
    """
    7z csv doc docx exe gz html json md ods parquet pdf por rar sav tsv txt xlam xls xlsb xlsm xlsx
    xlt xltm xml zip
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
# Words of the trade. None of them names anybody.
_TRADE = frozenset(
    """
    aan aangepast aantal aanvullend achtergrond achternaam adres afdeling anders antwoord
    archief baan bank begin bestand bestanden bijlage blad branche bron bsn burgerservicenummer
    client clienten code codes concept contract controle controletotaal copy correctie csv data
    dataset datum deel deelnemer deelnemers definitief demo dienst doc dossier draft dubbel
    eigen eind eindstand email en export extra file final formaat format fout fte functie
    geboortedatum geboortejaar geboorteland geboren gecorrigeerd gegevens gemeente geslacht goed
    groep halfjaar herkansing herkomst herlevering herzien hoofd huisnummer id import in info
    inkomen instroom invul jaar kandidaat kandidaten kenmerk klein kolom kopie kwartaal laatste
    land landing leeftijd leeg leerling leerlingen lees leesmij lege letter levering leveringen
    lijst loon los maand mail map medewerker medewerkers meta meting mobiel naam naar nalevering
    nationaliteit new niet nieuw nieuwe niveau nog nr nummer of onbekend onbekende onderdeel op
    open opleiding opmerking opmerkingen organisatie oud oude overig overzicht part partner
    periode personeelsnummer personen persoon pilot plaats postcode project provincie rapport
    readme reden regio resultaat rij rijen salaris schaal school schooljaar sector sheet
    sjabloon soort stage stand status straat student studenten synthetisch tabel team tekst
    telefoon telefoonnummer test titel toelichting toevoeging totaal totalen tussen tussenstand
    uit uitstroom uren van vanaf verkeerd verkeerde versie volgnummer voor voorletters voornaam
    voorvoegsel vraag werk werkblad werkgever werkmap woonplaats xlsx zip
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
_FUZZY_FROM, _FUZZY = 6, 0.85


def shown(name: str, contract: Contract | None = None) -> str:
    """``name`` of a sheet or a file in an archive as it may be repeated."""
    words = vocabulary(contract)
    parts = [_path_part(part, words) for part in name.replace("\\", "/").split("/")]
    return "/".join(parts)


def shown_file(name: str, sha256: str, contract: Contract | None = None) -> str:
    """A delivery's ``name`` as it may be repeated; ``sha256`` is that of its bytes.

    The hash is of the bytes and never of the name: a number in a name could be tried until its
    hash fits. What the contract takes for a field of the key is told: the key is kept anyway.
    """
    fields = contract.delivery.spans(name) if contract is not None else []
    told = _path_part(name, vocabulary(contract), fields)
    if told == name:
        return name
    stem, dot, suffix = told.rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem else (told, "")
    return f"{stem}~{sha256[:8]}{suffix}"


def may_show_column(name: str, contract_words: frozenset[str]) -> bool:
    """Whether a header cell may be repeated: all its words are known, or nearly."""
    found = _WORD.findall(name)
    return bool(found) and len(name) <= 60 and all(_is_near(word, contract_words) for word in found)


def vocabulary(contract: Contract | None = None) -> frozenset[str]:
    """The words that may be repeated, in lower case: those of the house and of ``contract``."""
    words = _house()
    return words | _words_of(contract) if contract is not None else words


@cache
def _house() -> frozenset[str]:
    return frozenset().union(_TRADE, *(_words_of(contract) for contract in load_all(SOURCES)))


@cache
def _words_of_parts(parts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.casefold() for part in parts for word in _WORD.findall(part))


def _words_of(contract: Contract) -> frozenset[str]:
    """Names, and what the file and member patterns spell out (regex signs aside)."""
    patterns = [contract.delivery.file_pattern, *contract.delivery.members.values()]
    spelled = [re.sub(r"\(\?P<\w+>|\\.|\[[^\]]*\]", " ", pattern) for pattern in patterns]
    columns = [column for table in contract.tables for column in table.columns]
    return _words_of_parts(
        (
            contract.source,
            *contract.delivery.key,
            *(value for expected in contract.calendar for _, value in expected.key),
            *spelled,
            *(table.name for table in contract.tables),
            *(column.name for column in columns),
            *(alias for column in columns for alias in column.aliases),
        )
    )


def _path_part(part: str, words: frozenset[str], fields: Sequence[tuple[int, int]] = ()) -> str:
    stem, dot, suffix = part.rpartition(".")
    if stem and suffix.casefold() in _SUFFIXES:
        return _stem(stem, words, fields) + dot + suffix
    return _stem(part, words, fields)


def _stem(text: str, words: frozenset[str], fields: Sequence[tuple[int, int]]) -> str:
    in_fields = {place for begin, end in fields for place in range(begin, end)}

    def one(found: re.Match[str]) -> str:
        word = found.group()
        if word.casefold() in words or _CODE.fullmatch(word):
            return word
        return word if in_fields.issuperset(range(*found.span())) else HIDDEN

    return _WORD.sub(one, text)


def _is_near(word: str, words: frozenset[str]) -> bool:
    folded = word.casefold()
    if len(word) <= 2 or folded in words or _CODE.fullmatch(word):
        return True
    return len(folded) >= _FUZZY_FROM and bool(
        difflib.get_close_matches(folded, words, n=1, cutoff=_FUZZY)
    )
