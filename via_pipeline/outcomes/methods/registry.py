"""The design decides: which methods may be used, and the strongest claim that may be made.

Belongs here: the one table from design to method and claim. Does not belong here: the plan of a
site (it may lower a claim, never raise it), and the words (``wording``).

Designs and claims are the codes of ``register__locatie``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Claim(StrEnum):
    """What a result may be read as, strongest first; ``DOELBEREIK`` stands beside the order."""

    CAUSAAL = "causaal"
    SAMENHANG = "samenhang"
    BESCHRIJVEND = "beschrijvend"
    DOELBEREIK = "doelbereik"


class Design(StrEnum):
    """How a site was measured."""

    VELDEXPERIMENT = "veldexperiment_binnen_werkgevers"
    VERGELIJKINGSGROEP = "voor_na_met_vergelijkingsgroep"
    CLUSTER = "cluster_voor_na"
    COHORT = "cohortvergelijking"
    PANEL = "beschrijvend_panel"
    MONITOR = "monitor_tegen_doel"
    SPELLS = "observationele_spells"


class Assignment(StrEnum):
    """How people came to be in an arm."""

    GELOOT = "geloot"  # randomised, by person, vacancy, employer or moment
    VOLGORDE = "volgorde"  # before and after a date
    KEUZE = "keuze"  # by choice of the person or the organisation
    GEEN = "geen"  # the groups were not assigned (origin, age)
    ONBEKEND = "onbekend"


class Method(StrEnum):
    """What a plan may ask for."""

    ITT = "itt"
    ITT_LIN = "itt_lin"
    VERSCHIL_IN_VERSCHILLEN = "verschil_in_verschillen"
    LADDER = "ladder"
    BEPERKTE_DUUR = "beperkte_duur"
    INCIDENTIE = "incidentie"
    RISICOVERSCHIL = "risicoverschil"
    AANDEEL = "aandeel"
    VERSCHIL_AANDELEN = "verschil_aandelen"
    DOELBEREIK = "doelbereik"
    ROND_GEBEURTENIS = "verschil_rond_gebeurtenis"


_SIMPLE = (Method.AANDEEL, Method.VERSCHIL_AANDELEN)


@dataclass(frozen=True)
class Rule:
    """What one design allows; the first method is the default."""

    claim: Claim
    methods: tuple[Method, ...]


RULES: dict[Design, Rule] = {
    Design.VELDEXPERIMENT: Rule(
        Claim.CAUSAAL, (Method.ITT, Method.ITT_LIN, Method.ROND_GEBEURTENIS, *_SIMPLE)
    ),
    Design.VERGELIJKINGSGROEP: Rule(
        Claim.SAMENHANG,
        (Method.VERSCHIL_IN_VERSCHILLEN, Method.LADDER, Method.ROND_GEBEURTENIS, *_SIMPLE),
    ),
    Design.CLUSTER: Rule(
        Claim.SAMENHANG,
        (Method.VERSCHIL_IN_VERSCHILLEN, Method.RISICOVERSCHIL, Method.ROND_GEBEURTENIS, *_SIMPLE),
    ),
    Design.COHORT: Rule(Claim.SAMENHANG, (Method.RISICOVERSCHIL, Method.ITT, *_SIMPLE)),
    Design.PANEL: Rule(Claim.BESCHRIJVEND, (Method.RISICOVERSCHIL, *_SIMPLE)),
    Design.MONITOR: Rule(Claim.DOELBEREIK, (Method.DOELBEREIK, *_SIMPLE)),
    Design.SPELLS: Rule(
        Claim.SAMENHANG,
        (Method.BEPERKTE_DUUR, Method.INCIDENTIE, Method.RISICOVERSCHIL, *_SIMPLE),
    ),
}

# A count or a plain share describes, whatever the design (design.md: outcomes).
_DESCRIBES = frozenset(_SIMPLE)
_WEAKER: dict[Claim, frozenset[Claim]] = {
    Claim.CAUSAAL: frozenset({Claim.CAUSAAL, Claim.SAMENHANG, Claim.BESCHRIJVEND}),
    Claim.SAMENHANG: frozenset({Claim.SAMENHANG, Claim.BESCHRIJVEND}),
    Claim.BESCHRIJVEND: frozenset({Claim.BESCHRIJVEND}),
    Claim.DOELBEREIK: frozenset({Claim.DOELBEREIK, Claim.BESCHRIJVEND}),
}


def strongest(design: Design, assignment: Assignment) -> Claim:
    """The strongest claim of a design; causal only where arms were drawn by lot."""
    claim = RULES[design].claim
    if claim is Claim.CAUSAAL and assignment is not Assignment.GELOOT:
        return Claim.SAMENHANG
    return claim


def allows(strongest_claim: Claim, claim: Claim) -> bool:
    """Whether ``claim`` says no more than ``strongest_claim``."""
    return claim in _WEAKER[strongest_claim]


def claim_of(method: Method, claim: Claim) -> Claim:
    """The claim of one result: the plan's, but a plain count or share only describes.

    Nobody assigned an event: what goes with it is association, in a field experiment too.
    """
    if method is Method.ROND_GEBEURTENIS and claim is Claim.CAUSAAL:
        return Claim.SAMENHANG
    return Claim.BESCHRIJVEND if method in _DESCRIBES else claim
