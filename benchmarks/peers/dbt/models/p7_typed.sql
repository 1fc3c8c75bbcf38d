{% set services = ['werkverkenner', 'training', 'bemiddeling'] %}
{% set unknown = {'.': 'onbekend_of_geheim', 'x': 'geheim'} %}
{% set dates = "'[0-9]{2}-[0-9]{2}-[0-9]{4}'" %}
{% set nine = "regexp_full_match(bsn, '[0-9]{9}')" %}
{% set total %}{% for weight in [9, 8, 7, 6, 5, 4, 3, 2, -1] %}{{ weight }} * (ascii(substr(bsn, {{ loop.index }}, 1)) - 48){{ ' + ' if not loop.last }}{% endfor %}{% endset %}
{% set known = codes('gemeente') %}
{% set valid %}case cast(peildatum as varchar) {% for name in var('codes') if name.startswith('gemeente@') %}
    when '{{ name[9:] }}' then gemeentecode in {{ codes(name) }}{% endfor %} end{% endset %}
with cells as (
    select bestand, _nr - min(_nr) over (partition by bestand) + 2 as _row,
        {% for name in ['bsn', 'volgnummer', 'herkomst_oud', 'leeftijdsklasse', 'gemeentecode',
            'begindatum', 'einddatum', 'reden_einde', 'diensten_werkverkenner',
            'diensten_training', 'diensten_bemiddeling'] %}
        {{ cell(name) }}{{ ',' if not loop.last }}{% endfor %}
    from ({{ read('p7_ww') }})
), known as (
    select * exclude (gemeentecode, reden_einde, diensten_werkverkenner, diensten_training,
        diensten_bemiddeling),
        {{ without('gemeentecode', unknown) }},
        {{ without('reden_einde', {'.': 'onbekend_of_geheim', 'x': 'geheim', '-': 'nihil'}) }},
        {% for one in services %}{{ without('diensten_' ~ one, unknown) }}{{ ',' if not loop.last }}{% endfor %}
    from cells
), typed as (
    select k.* rename (volgnummer as volgnummer_t, begindatum as begindatum_t,
            einddatum as einddatum_t, diensten_werkverkenner as diensten_werkverkenner_t,
            diensten_training as diensten_training_t, diensten_bemiddeling as diensten_bemiddeling_t),
        l.peildatum,
        case when bsn is not null
            then {{ pseudonym("'bsn' || chr(31) || lpad(upper(bsn), 9, '0')") }} end as persoon_id,
        case when regexp_full_match(k.volgnummer, '-?[0-9]{1,18}')
            then try_cast(k.volgnummer as bigint) end as volgnummer,
        {% for name in ['begindatum', 'einddatum'] %}
        case when regexp_full_match(k.{{ name }}, {{ dates }})
            then try_strptime(k.{{ name }}, '%d-%m-%Y')::date end as {{ name }},
        {% endfor %}
        {% for one in services %}
        case k.diensten_{{ one }} when 'J' then true when 'N' then false end as diensten_{{ one }}{{ ',' if not loop.last }}
        {% endfor %}
    from known k join {{ levering() }} l using (bestand)
)
select *, {{ broken({
    'bsn__verplicht': "bsn is null",
    'bsn__vorm': "not " ~ nine,
    'bsn__elfproef': nine ~ " and (bsn = '000000000' or (" ~ total ~ ") % 11 <> 0)",
    'volgnummer__verplicht': "volgnummer_t is null",
    'volgnummer__vorm': "not regexp_full_match(volgnummer_t, '-?[0-9]{1,18}')",
    'volgnummer__bereik': "volgnummer not between 1 and 99",
    'herkomst_oud__verplicht': "herkomst_oud is null",
    'herkomst_oud__lengte': "length(herkomst_oud) > 200",
    'herkomst_oud__codelijst': "herkomst_oud not in " ~ codes('herkomst_oud'),
    'leeftijdsklasse__verplicht': "leeftijdsklasse is null",
    'leeftijdsklasse__lengte': "length(leeftijdsklasse) > 200",
    'leeftijdsklasse__codelijst': "leeftijdsklasse not in " ~ codes('leeftijdsklasse'),
    'gemeentecode__verplicht': "gemeentecode__ontbreekt = 'leeg'",
    'gemeentecode__lengte': "length(gemeentecode) > 200",
    'gemeentecode__vorm': "not regexp_full_match(gemeentecode, '[0-9]{4}')",
    'gemeentecode__codelijst': "gemeentecode not in " ~ known,
    'gemeentecode__geldig_op_peildatum': "gemeentecode in " ~ known ~ " and not " ~ valid,
    'begindatum__verplicht': "begindatum_t is null",
    'begindatum__vorm': "not regexp_full_match(begindatum_t, " ~ dates ~ ")",
    'begindatum__bestaat': "begindatum is null and regexp_full_match(begindatum_t, " ~ dates ~ ")",
    'einddatum__vorm': "not regexp_full_match(einddatum_t, " ~ dates ~ ")",
    'einddatum__bestaat': "einddatum is null and regexp_full_match(einddatum_t, " ~ dates ~ ")",
    'reden_einde__lengte': "length(reden_einde) > 200",
    'reden_einde__codelijst': "reden_einde not in " ~ codes('p7_reden_einde'),
    'diensten_werkverkenner__verplicht': "diensten_werkverkenner__ontbreekt = 'leeg'",
    'diensten_werkverkenner__vorm': "diensten_werkverkenner_t not in ('J', 'N')",
    'diensten_training__verplicht': "diensten_training__ontbreekt = 'leeg'",
    'diensten_training__vorm': "diensten_training_t not in ('J', 'N')",
    'diensten_bemiddeling__verplicht': "diensten_bemiddeling__ontbreekt = 'leeg'",
    'diensten_bemiddeling__vorm': "diensten_bemiddeling_t not in ('J', 'N')",
    'begindatum__in_kwartaal': "date_trunc('quarter', begindatum) <> date_trunc('quarter', peildatum)",
    'einddatum__na_begindatum': "einddatum < begindatum",
}) }} as regels
from typed
