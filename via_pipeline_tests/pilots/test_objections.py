"""An organisation that objected counts nowhere: not in one published dataset, nor behind it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from via_pipeline.contracts.model import ContractError, load, load_all
from via_pipeline.disclosure.model import load_datasets
from via_pipeline.diversity import run as diversity
from via_pipeline.letters import editions
from via_pipeline.letters import published as earlier_ones
from via_pipeline.letters.provenance import provenance
from via_pipeline.outcomes import compute, covid, reach
from via_pipeline.outcomes import run as outcomes
from via_pipeline.pilots import catalog, dekking, objections, stand
from via_pipeline.pilots.objections import Objections, Statement
from via_pipeline.status.calendar import calendars
from via_pipeline.storage import duck, lake
from via_pipeline_tests.diversity.organisations import (
    FIRST,
    GERMAN,
    MOROCCAN,
    SECOND,
    deliver,
    job,
    rows,
)
from via_pipeline_tests.diversity.world import people
from via_pipeline_tests.pilots import house

NAMED, UNNAMED, OBJECTING = "O01", "O02", "O09"
LATER = date(2021, 6, 1)
SAID = "bezwaar"
BACK = "intrekking_bezwaar"


def staff(first: int) -> list:
    """Three hundred people of three origins over two levels; ten have a second job."""
    return [
        *people(first, 180),
        *people(first + 180, 70, countries=MOROCCAN, functieniveau="2", salarisschaal=8),
        *people(first + 250, 50, countries=GERMAN, functieniveau="2", salarisschaal=8),
        *(job(number, number=2) for number in range(first, first + 10)),
    ]


PEOPLE = {NAMED: staff(0), UNNAMED: staff(1000), OBJECTING: staff(2000)}
# Who works at two organisations: counted at the other one all the same.
PEOPLE[OBJECTING] += people(5, 3)


def register(home, *said, revision=1):
    """The register: the one consents, the other says nothing, of the third only what it said."""
    known = {"merk": "synthetisch", "bron": "test", "bekend_op": "2019-01-01"}
    of_day = {"vastlegging": "test", "bekend_op": "2019-01-01"}
    consent = {"organisatie": NAMED, "soort": "toestemming"}
    house.keep(
        home,
        "register",
        revision,
        organisatie=[{"organisatie": one, "naam": one} | known for one in (NAMED, UNNAMED)],
        organisatie_indeling=[
            {"organisatie": one, "sbi_sectie": "O", "sbi_versie": "SBI 2008"}
            | {"geldig_van": "2018-01-01"}
            | known
            for one in (NAMED, UNNAMED)
        ],
        organisatie_verklaring=[of_day | one for one in (consent, *said)],
    )


def home_with(folder, *organisations, said=()):
    home = house.home_in(folder)
    house.keep(home, "reference")
    register(home, *said)
    for day in (FIRST, SECOND):
        for one in organisations:
            deliver(home, PEOPLE[one], one, day)
    return home


def objection(**more):
    return {"organisatie": OBJECTING, "soort": SAID} | more


def published(home, day):
    """Every dataset as an edition read on ``day`` shows it, and what it says it was made of."""
    with duck.work() as connection:
        editions.see(connection, home, day)
        found = {
            one.name: connection.execute(f"FROM {one.table} ORDER BY ALL").fetchall()
            for one in load_datasets()
        }
    origin = [one for one in provenance(home, day)["leveringen"] if one["ontvangen"]]
    return found | {"herkomst": origin}


def tonight(home):
    """What a night leaves in the lake for disclosure control, and what the pages count."""
    outcomes.refresh(home, "p4_barometer")
    outcomes.combine(home)
    tables = ["outcomes__result"]
    for room in (stand, dekking, reach):
        room.refresh(home)
        tables.append(room.TABLE)
    covid.refresh_events(home)
    diversity.refresh(home)
    objected = objections.known(home, load_all())
    ledger = catalog.Ledger(home.ledger).rows()
    return {table: rows(home, table) for table in (*tables, covid.EVENTS, *diversity.MARTS)} | {
        "kalender": calendars(load_all(), ledger, date(2022, 1, 1), objected)
    }


def employees(home, as_of=None):
    """P4's whole per peildatum, as ``resultaat`` would have it."""
    with duck.work() as connection:
        catalog.register(connection, home, [load("p4_barometer"), load("register")], as_of)
        found = compute.results(connection, "p4_barometer").filter(
            "locatie = 'alle' AND groep = 'totaal' AND maat = 'werknemers'"
        )
        return dict(found.project("periode, n").fetchall())


def differing(one, other):
    return sorted(name for name in one if one[name] != other[name])


def test_with_or_without_its_deliveries_every_published_figure_is_the_same(tmp_path):
    """The differential test; and the same deliveries without the objection are told otherwise."""
    said = [objection()]
    without = home_with(tmp_path / "without", NAMED, UNNAMED, said=said)
    given_ = home_with(tmp_path / "given", NAMED, UNNAMED, OBJECTING, said=said)
    day = date(2022, 3, 1)
    edition, expected = published(given_, day), published(without, day)
    assert differing(edition, expected) == []
    night = tonight(given_)
    assert differing(night, tonight(without)) == []
    assert OBJECTING not in str(edition) + str(night)

    silent = home_with(tmp_path / "silent", NAMED, UNNAMED, OBJECTING)
    assert set(differing(published(silent, day), expected)) >= {
        *("resultaat", "stand_van_zaken", "bereik", "leveringskwaliteit", "ladder"),
        *("ontwikkeling", "herkomst"),
    }


@pytest.mark.parametrize("as_of", [None, date(2022, 3, 1)])
def test_no_row_is_in_a_view_and_no_line_among_the_deliveries(tmp_path, as_of):
    home = home_with(tmp_path, UNNAMED, OBJECTING, said=[objection(peildatum_tot=FIRST)])
    with duck.work() as connection:
        catalog.register(connection, home, [load("p4_barometer")], as_of)
        seen = connection.sql(
            "SELECT _delivery, count(*) FROM pilots__p4_baan GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        listed = connection.sql(
            f"SELECT sleutel['organisatie'], peildatum FROM {catalog.DELIVERIES} ORDER BY ALL"
        ).fetchall()
    expected = {(UNNAMED, FIRST): 310, (UNNAMED, SECOND): 310, (OBJECTING, SECOND): 313}
    assert seen == [(f"p4_barometer-{one}_{day}-1", n) for (one, day), n in expected.items()]
    assert listed == [(one, date.fromisoformat(day)) for one, day in expected]


def test_the_whole_is_the_persons_of_the_others(tmp_path):
    """Worked out from the deliveries themselves, person by person."""
    home = home_with(tmp_path, *PEOPLE, said=[objection(peildatum_van=SECOND)])
    persons = {
        one: {(row["persoon_id_soort"], row["persoon_id"]) for row in found}
        for one, found in PEOPLE.items()
    }
    assert employees(home) == {
        FIRST: len(set.union(*persons.values())),
        SECOND: len(persons[NAMED] | persons[UNNAMED]),
    }
    told = tonight(home)
    (whole,) = [
        row for row in told[stand.TABLE] if (row["pilot_id"], row["locatie"]) == ("P4", "alle")
    ]
    # Against the second day only: of the first it is there, by its code at least.
    assert (whole["leveringen_ontvangen"], whole["bronhouders"]) == (5, 3)
    (files,) = [row for row in told[dekking.TABLE] if row["bron"] == "p4_barometer"]
    assert files["rijen"] == sum(map(len, PEOPLE.values())) + len(PEOPLE[NAMED] + PEOPLE[UNNAMED])


def test_an_objection_that_comes_later_holds_from_its_day_and_leaves_older_editions_alone(tmp_path):
    home = home_with(tmp_path, *PEOPLE)
    before = published(home, LATER - timedelta(days=1))
    everybody, others = employees(home)[FIRST], 600
    register(home, objection(bekend_op=LATER.isoformat()), revision=2)
    assert employees(home)[FIRST] == others < everybody
    assert employees(home, LATER)[FIRST] == others
    assert employees(home, LATER - timedelta(days=1))[FIRST] == everybody
    assert published(home, LATER - timedelta(days=1)) == before


def test_an_objection_after_publication_is_honoured_by_the_next_release(tmp_path, monkeypatch):
    """Beside what is out already: nothing of it can be taken back, and still a release goes out."""
    home = home_with(tmp_path, *PEOPLE)
    out = {}
    with duck.work() as connection:
        editions.see(connection, home, date(2022, 3, 1))
        for one in load_datasets():
            file = tmp_path / f"{one.name}.parquet"
            connection.execute(f"COPY {one.table} TO '{file}' (FORMAT parquet)")
            out[one.name] = [f"read_parquet('{file}')"]
    register(home, objection(bekend_op=LATER.isoformat()), revision=2)
    monkeypatch.setattr(earlier_ones, "earlier", lambda home: [out])
    after = published(home, date(2022, 3, 1))
    assert OBJECTING not in str(after)
    with duck.work() as connection:
        before = connection.execute(f"FROM {out['resultaat'][0]}").fetchall()
    whole = {row[:3]: row for row in after["resultaat"] if "werknemers" in row and "alle" in row}
    assert whole and not set(whole.values()) <= set(before), "the figures are other ones"


def test_an_objection_that_is_taken_back_counts_no_longer(tmp_path):
    said = [objection(), objection(soort=BACK, bekend_op=LATER.isoformat())]
    home = home_with(tmp_path, *PEOPLE, said=said)
    assert employees(home) == {FIRST: 900, SECOND: 900}
    # An edition from between the two days still leaves it out.
    assert employees(home, LATER - timedelta(days=1)) == {FIRST: 600}


def test_the_code_alone_decides_and_an_organisation_that_the_register_does_not_know_counts(
    tmp_path,
):
    stranger = home_with(tmp_path / "one", *PEOPLE)
    assert employees(stranger) == {FIRST: 900, SECOND: 900}
    home = home_with(tmp_path / "two", *PEOPLE, said=[objection()])
    with duck.work() as connection:
        lake.view(connection, home.lake, "register__organisatie")
        known = connection.sql("SELECT organisatie FROM register__organisatie").fetchall()
    assert (OBJECTING,) not in known
    assert employees(home) == {FIRST: 600, SECOND: 600}


DAY = date(2020, 12, 31)
YEAR = timedelta(days=365)


@pytest.mark.parametrize(
    ("said", "against"),
    [
        ([], False),
        ([(SAID, None, None, 1)], True),
        ([(SAID, DAY, DAY, 1)], True),
        ([(SAID, DAY + timedelta(days=1), None, 1)], False),
        ([(SAID, None, DAY - timedelta(days=1), 1)], False),
        ([(SAID, None, None, 1), (BACK, None, None, 2)], False),
        ([(SAID, None, None, 2), (BACK, None, None, 1)], True),
        ([(BACK, None, None, 1), (SAID, None, None, 1)], True),  # of two on one day the objection
        ([(SAID, None, None, 1), (BACK, DAY + YEAR, None, 2)], True),  # taken back for later
        ([(SAID, None, None, 1), (BACK, None, None, 2), (SAID, None, None, 3)], True),
    ],
)
def test_the_last_word_about_a_peildatum_counts(said, against):
    known = Objections(tuple(Statement("O01", *rest, date(2020, 1, at)) for *rest, at in said))
    assert known.against("O01", DAY) is against
    assert not known.against("O02", DAY)


statements = st.lists(
    st.builds(
        Statement,
        st.sampled_from(["O01", "O02"]),
        st.sampled_from([SAID, BACK]),
        st.none() | st.integers(1, 6).map(lambda n: date(2020, 1, n)),
        st.none() | st.integers(1, 6).map(lambda n: date(2020, 1, n)),
        st.integers(1, 4).map(lambda n: date(2021, 1, n)),
    ),
    max_size=8,
)


@given(statements, st.randoms())
def test_the_order_of_the_list_does_not_matter_and_replaying_it_gives_the_same(said, draw):
    days = [date(2020, 1, n) for n in range(1, 7)]
    state: dict = {}
    # Letter by letter, objections of a day last: another way to the same answer.
    for one in sorted(said, key=lambda one: (one.known_on, one.kind == SAID)):
        for day in days:
            if (one.first or days[0]) <= day <= (one.last or days[-1]):
                state[one.organisation, day] = one.kind == SAID
    shuffled = list(said)
    draw.shuffle(shuffled)
    found = Objections(tuple(shuffled))
    for organisation in ("O01", "O02"):
        for day in days:
            assert found.against(organisation, day) is state.get((organisation, day), False)


def test_a_delivery_whose_day_is_not_known_is_left_out(tmp_path):
    known = Objections((Statement("O01", SAID, DAY, DAY, DAY),))
    contract = load("p4_barometer")
    assert known.cover(contract, {"organisatie": "O01", "periode": "geen datum"})
    assert known.cover(contract, {"organisatie": "O01"})
    assert not known.cover(contract, {"organisatie": "O01", "periode": FIRST})
    assert not known.cover(load("p5_behoud"), {"werkgever": "O01", "periode": "2020"})


def test_nothing_more_is_expected_of_who_objected(tmp_path):
    home = house.home_in(tmp_path)
    register(home, objection(organisatie="O08"))
    contract = load("p4_barometer")
    known = objections.known(home, [contract])
    keys = {
        dict(line.key)["organisatie"] for line in known.expected(contract, [], date(2030, 1, 1))
    }
    assert "O08" not in keys and {"O01", "O07"} <= keys


def test_a_contract_that_names_no_field_of_its_key_is_refused(tmp_path):
    text = load("p4_barometer").path.read_text(encoding="utf-8")
    broken = text.replace("organisation: organisatie", "organisation: afdeling")
    assert broken != text
    (tmp_path / "p4_barometer.odcs.yaml").write_text(broken, encoding="utf-8")
    with pytest.raises(ContractError, match="afdeling"):
        load("p4_barometer", tmp_path)
