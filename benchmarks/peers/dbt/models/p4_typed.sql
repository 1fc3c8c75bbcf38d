{% set countries = ['geboorteland', 'geboorteland_moeder', 'geboorteland_vader'] %}
{% set dates, whole = "'[0-9]{4}-[0-9]{2}-[0-9]{2}'", "'-?[0-9]{1,18}'" %}
{% set money = "'-?[0-9]{1,15}(\\.[0-9]{1,2})?'" %}
{% set message %}'gba_sleutel'{% for name in ['geboortedatum', 'geslacht', 'postcode', 'huisnummer', 'toevoeging'] %} || chr(31) || coalesce(upper({{ name }}), ''){% endfor %}{% endset %}
{% set land = codes('land') %}
with cells as (
    select bestand, _nr - min(_nr) over (partition by bestand) + 2 as _row,
        {% for name in ['geboortedatum', 'geslacht', 'postcode', 'huisnummer', 'toevoeging',
            'baan_nr', 'onderdeel', 'salarisschaal', 'functieniveau', 'datum_in_dienst', 'uurloon',
            'geboorteland', 'geboorteland_moeder', 'geboorteland_vader'] %}
        {{ cell(name) }}{{ ',' if not loop.last }}{% endfor %}
    from ({{ read('p4_barometer') }})
), known as (
    select * exclude (geboorteland, geboorteland_moeder, geboorteland_vader),
        {% for name in countries %}{{ without(name, {'.': 'onbekend_of_geheim'}) }}{{ ',' if not loop.last }}{% endfor %}
    from cells
), typed as (
    select k.* rename (baan_nr as baan_nr_t, salarisschaal as salarisschaal_t,
            datum_in_dienst as datum_in_dienst_t, uurloon as uurloon_t),
        l.peildatum,
        case when geboortedatum is not null and geslacht is not null and postcode is not null
            and huisnummer is not null then {{ pseudonym(message) }} end as persoon_id,
        case when regexp_full_match(geboortedatum, {{ dates }})
            then try_strptime(geboortedatum, '%Y-%m-%d')::date end as geboren,
        year(geboren)::bigint as geboortejaar,
        {% for name in ['baan_nr', 'salarisschaal'] %}
        case when regexp_full_match(k.{{ name }}, {{ whole }})
            then try_cast(k.{{ name }} as bigint) end as {{ name }},
        {% endfor %}
        case when regexp_full_match(k.datum_in_dienst, {{ dates }})
            then try_strptime(k.datum_in_dienst, '%Y-%m-%d')::date end as datum_in_dienst,
        case when regexp_full_match(k.uurloon, {{ money }})
            then try_cast(k.uurloon as decimal(18,2)) end as uurloon,
        count(*) over (partition by bestand, onderdeel) as onderdeel_n
    from known k join {{ levering() }} l using (bestand)
)
select *, {{ broken({
    'geboortedatum__verplicht': "geboortedatum is null",
    'geboortedatum__vorm': "geboortedatum is not null and geboren is null",
    'geslacht__verplicht': "geslacht is null",
    'geslacht__vorm': "not regexp_full_match(geslacht, '[MVX]')",
    'postcode__verplicht': "postcode is null",
    'postcode__vorm': "not regexp_full_match(postcode, '[1-9][0-9]{3}[A-Z]{2}')",
    'huisnummer__verplicht': "huisnummer is null",
    'huisnummer__vorm': "not regexp_full_match(huisnummer, '[1-9][0-9]{0,4}')",
    'toevoeging__vorm': "not regexp_full_match(toevoeging, '[A-Za-z0-9]{0,4}')",
    'baan_nr__verplicht': "baan_nr_t is null",
    'baan_nr__vorm': "not regexp_full_match(baan_nr_t, " ~ whole ~ ")",
    'baan_nr__bereik': "baan_nr not between 1 and 9",
    'geboortejaar__verplicht': "geboortejaar is null",
    'onderdeel__verplicht': "onderdeel is null",
    'onderdeel__lengte': "length(onderdeel) > 60",
    'salarisschaal__verplicht': "salarisschaal_t is null",
    'salarisschaal__vorm': "not regexp_full_match(salarisschaal_t, " ~ whole ~ ")",
    'salarisschaal__bereik': "salarisschaal not between 1 and 18",
    'functieniveau__verplicht': "functieniveau is null",
    'functieniveau__lengte': "length(functieniveau) > 200",
    'functieniveau__codelijst': "functieniveau not in " ~ codes('functieniveau'),
    'datum_in_dienst__verplicht': "datum_in_dienst_t is null",
    'datum_in_dienst__vorm': "not regexp_full_match(datum_in_dienst_t, " ~ dates ~ ")",
    'datum_in_dienst__bestaat': "datum_in_dienst is null and regexp_full_match(datum_in_dienst_t, " ~ dates ~ ")",
    'uurloon__verplicht': "uurloon_t is null",
    'uurloon__vorm': "not regexp_full_match(uurloon_t, " ~ money ~ ")",
    'uurloon__bereik': "uurloon not between 0 and 500",
    'geboorteland__lengte': "length(geboorteland) > 200",
    'geboorteland__codelijst': "geboorteland not in " ~ land,
    'geboorteland_moeder__lengte': "length(geboorteland_moeder) > 200",
    'geboorteland_moeder__codelijst': "geboorteland_moeder not in " ~ land,
    'geboorteland_vader__lengte': "length(geboorteland_vader) > 200",
    'geboorteland_vader__codelijst': "geboorteland_vader not in " ~ land,
    'in_dienst__voor_peildatum': "datum_in_dienst > peildatum",
    'in_dienst__na_geboorte': "year(datum_in_dienst) - geboortejaar < 13",
}) }} as regels
from typed
