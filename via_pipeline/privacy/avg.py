"""The record of processing and the starting text of a DPIA, made of the contracts; Dutch Markdown.

Belongs here: what can be said from the contracts and the design of the house. Does not belong here:
what only people can say (who the controller is, the balance of interests): there stands what is
still to be filled in. The same contracts give the same bytes.
"""

# ruff: noqa: E501 - a row of a Markdown table is one line

from __future__ import annotations

from collections.abc import Iterable, Sequence

from via_pipeline.contracts.model import Column, Contract, PersonalData
from via_pipeline.disclosure.small import told_count
from via_pipeline.privacy.retention import UNKNOWN_DAYS

_CLASSES = {
    PersonalData.IDENTIFYING: "identificerend (bij ontvangst vervangen door een pseudoniem)",
    PersonalData.SPECIAL_CATEGORY: "bijzonder (AVG art. 9)",
    PersonalData.QUASI_IDENTIFYING: "indirect identificerend",
    PersonalData.NONE: "overig",
}
_COARSE = {"year": "alleen het jaar", "month": "alleen de maand"}
_DERIVED = {"year": "jaar", "age_class": "leeftijdsklasse"}
_OPEN = "[in te vullen door de verwerkingsverantwoordelijke]"


def register_of_processing(contracts: Sequence[Contract]) -> str:
    """The record that AVG art. 30 asks for: one entry a source with persons."""
    lines = [
        "# Register van verwerkingen (AVG art. 30)",
        "",
        "Gemaakt uit de contracten met `via avg register`; niet met de hand wijzigen. Wat niet uit "
        "een contract volgt, staat als in te vullen.",
        "",
        "| | |",
        "| --- | --- |",
        f"| Verwerkingsverantwoordelijke | {_OPEN} |",
        f"| Functionaris gegevensbescherming | {_OPEN} |",
        "| Ontvangers | Geen van personen. Naar buiten gaan alleen tellingen en gemiddelden na "
        "onthullingscontrole (brief aan de Kamer, bestand voor BI). De aanleverende partij krijgt "
        "een verslag over het eigen bestand, zonder waarden. |",
        "| Doorgifte buiten de EER | Geen: de verwerking opent geen verbinding. |",
        "| Beveiliging | Pseudonimisering (HMAC-SHA-256, sleutel buiten opslag en broncode) vóór de "
        "eerste opslag; mappen alleen voor de eigenaar; wissen na de termijn; geen waarden in "
        "logboeken, meldingen en verslagen. Zie docs/data-protection.md. |",
    ]
    for contract in _with_persons(contracts):
        lines += ["", f"## {contract.title} ({contract.source})", ""]
        lines += [
            f"- **Doel:** {contract.purpose}",
            f"- **Grondslag:** {contract.legal_basis}",
            f"- **Afkomstig van:** {contract.owner}",
            f"- **Betrokkenen:** {_people(contract)}",
            f"- **Bewaartermijn:** {contract.retention_years} jaar na ontvangst; daarna gewist, ook "
            "het aangeleverde bestand",
            "- **Gegevens:**",
            "",
            "| tabel | gegeven | soort | hoe bewaard |",
            "| --- | --- | --- | --- |",
        ]
        for table in contract.tables:
            lines += [
                f"| {table.name} | {column.name} | {_CLASSES[column.personal_data]} | "
                f"{_kept(column)} |"
                for column in table.columns
                if table.persons
            ]
    return "\n".join(lines) + "\n"


def dpia(contracts: Sequence[Contract]) -> str:
    """A starting text for the DPIA that AVG art. 35 asks for."""
    chosen = _with_persons(contracts)
    special = sorted(
        {
            column.name
            for contract in chosen
            for table in contract.tables
            for column in table.columns
            if column.personal_data is PersonalData.SPECIAL_CATEGORY
        }
    )
    numbers = [one.source for one in chosen if any(_uses_bsn(one))]
    terms = sorted({contract.retention_years for contract in chosen})
    lines = [
        "# Gegevensbeschermingseffectbeoordeling (DPIA): begintekst",
        "",
        "Gemaakt uit de contracten met `via avg dpia`. Dit is het begin van een DPIA, niet de DPIA: "
        "de afweging maken mensen.",
        "",
        "## 1. De verwerking",
        "",
        f"{len(chosen)} bronnen leveren gegevens over personen voor de pilots van Programma VIA. Zij "
        "worden gecontroleerd, gepseudonimiseerd, geteld en als cijfers uitgebracht na "
        "onthullingscontrole. Er wordt over niemand een besluit genomen.",
        "",
        "## 2. Waarom een DPIA",
        "",
        f"- Bijzondere persoonsgegevens (art. 9): {', '.join(special)}.",
        f"- Burgerservicenummer in: {', '.join(numbers) or 'geen bron'}.",
        "- Koppeling van dezelfde persoon over leveringen, en over bronnen met hetzelfde soort nummer.",
        "",
        "## 3. Noodzaak en evenredigheid",
        "",
        f"- Grondslag per bron: zie het register van verwerkingen. Toets: {_OPEN}.",
        "- Per gegeven staat in het contract waarvoor het dient en hoe grof het wordt bewaard:",
        "",
        *[
            f"  - {contract.source}: {column.name} ({_kept(column)})"
            for contract in chosen
            for table in contract.tables
            for column in table.columns
            if column.coarsen or column.derived_from
        ],
        "",
        f"- Bewaartermijnen: {', '.join(map(str, terms))} jaar; bestanden die niemand heeft "
        f"afgesproken {UNKNOWN_DAYS} dagen.",
        "",
        "## 4. Rechten van betrokkenen",
        "",
        "- Wissen (art. 17): `via erase`. Bezwaar (art. 21): `via bezwaar`, vanaf de volgende "
        "verwerking.",
        "- Een organisatie maakt bezwaar in het register (`organisatie_verklaring.csv`): haar "
        "leveringen tellen dan nergens mee.",
        "- Uitgebrachte cijfers blijven: zij zijn van niemand meer persoonsgegevens "
        "(art. 17 lid 3 onder d).",
        f"- Informeren van betrokkenen (art. 14): {_OPEN}.",
        "",
        "## 5. Risico's en maatregelen",
        "",
        "| risico | maatregel | hoe getoond |",
        "| --- | --- | --- |",
        "| Identificerende gegevens buiten de map van aanlevering | pseudoniem vóór de eerste opslag; "
        "van een cel op de verkeerde plaats blijft alleen de vorm; namen van bestanden en kolommen "
        "alleen uit bekende woorden | een geplante persoon wordt in geen enkele byte gevonden |",
        "| Terugrekenen van kleine groepen | onthullingscontrole op alle tabellen samen; buiten huis "
        f"heten kleine aantallen {told_count(1)} | `make attack` |",
        "| Uitlekken van de sleutel | sleutel buiten opslag en broncode; vervangen met `via rekey` | "
        "test: niets van de oude sleutel blijft |",
        "| Te lang bewaren | nachtelijk wissen na de termijn, met aantekening in het grootboek | "
        "`via retention --dry-run` |",
        "| Vrije tekst met een naam | bewaard wordt alleen wat ten minste tien rijen delen | test per "
        "contract |",
        f"| Restrisico | {_OPEN} | |",
        "",
        "## 6. Oordeel",
        "",
        f"- Functionaris gegevensbescherming: {_OPEN}",
        f"- Verwerkingsverantwoordelijke: {_OPEN}",
    ]
    return "\n".join(lines) + "\n"


def _with_persons(contracts: Iterable[Contract]) -> list[Contract]:
    return [one for one in contracts if any(table.persons for table in one.tables)]


def _people(contract: Contract) -> str:
    kinds = dict.fromkeys(
        f"{table.name} (op {person.id_type})"
        for table in contract.tables
        for person in table.persons
    )
    return ", ".join(kinds)


def _uses_bsn(contract: Contract) -> list[bool]:
    return [person.id_type == "bsn" for table in contract.tables for person in table.persons]


def _kept(column: Column) -> str:
    if column.is_identifying:
        return "niet; deel van het pseudoniem"
    if column.derived_from:
        kind = _DERIVED.get(column.derivation or "", column.derivation)
        return f"bij ontvangst afgeleid van {column.derived_from}: {kind}"
    if column.coarsen:
        kind, _, number = column.coarsen.partition(":")
        if kind == "step":
            return f"in stappen van {number}"
        if kind == "frequent":
            return f"alleen wat ten minste {number} rijen van de levering delen"
        return _COARSE[kind]
    return "zoals aangeleverd"
