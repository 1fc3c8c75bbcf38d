{# Small things that the models share: cells, kinds of missing, code lists, rules as a list. #}

{% macro read(source) %}
    select *, row_number() over () as _nr, parse_filename(filename, true) as bestand
    from read_csv([{% for one in var('deliveries') if one.source == source %}
        '{{ one.path }}'{{ ',' if not loop.last }}{% endfor %}],
        all_varchar = true, header = true, filename = true,
        delim = '{{ ';' if source == 'p7_ww' else ',' }}')
{% endmacro %}

{% macro cell(name) %}nullif(trim("{{ name }}", ' ' || chr(9) || chr(160)), '') as {{ name }}{% endmacro %}

{% macro without(name, kinds) %}
    case when {{ name }} in ({% for text in kinds %}'{{ text }}'{{ ',' if not loop.last }}{% endfor %})
        then null else {{ name }} end as {{ name }},
    case when {{ name }} is null then 'leeg'
        {% for text, kind in kinds.items() %} when {{ name }} = '{{ text }}' then '{{ kind }}'{% endfor %}
        end as {{ name }}__ontbreekt
{% endmacro %}

{% macro pseudonym(message) %}sha256(unhex('{{ var("opad") }}')::blob ||
    unhex(sha256(unhex('{{ var("ipad") }}')::blob || encode({{ message }})))){% endmacro %}

{% macro codes(name) %}({% for code in var('codes')[name] %}'{{ code }}'{{ ',' if not loop.last }}{% endfor %}){% endmacro %}

{% macro broken(rules) %}
    case when {% for sql in rules.values() %}coalesce({{ sql }}, false){{ ' or ' if not loop.last }}{% endfor %}
    then list_filter([{% for name, sql in rules.items() %}
        case when {{ sql }} then '{{ name }}' end{{ ',' if not loop.last }}{% endfor %}],
        lambda regel: regel is not null) else [] end
{% endmacro %}

{% macro judged(model, key, limit, fatal) %}
    {# A key that is there twice, then the share of a file's rows that is bad. #}
    with dubbel as (
        select bestand, {{ key }} from {{ model }}
        where {% for name in key.split(', ') %}{{ name }} is not null{{ ' and ' if not loop.last }}{% endfor %}
        group by all having count(*) > 1
    ), regels as (
        select s.* exclude (regels), case when d.bestand is null then s.regels
            else list_append(s.regels, 'sleutel__uniek') end as regels
        from {{ model }} s left join dubbel d using (bestand, {{ key }})
    ), bestanden as (
        select bestand, {{ fatal }}
            or count(*) filter (len(regels) > 0) * 100 > {{ limit }} * count(*) as is_geweigerd
        from regels group by bestand
    )
    select * from regels join bestanden using (bestand)
{% endmacro %}

{% macro levering() %}
    (select * from (values {% for one in var('deliveries') %}
        ('{{ one.name }}', '{{ one.fields.periode }}', {{ "'" ~ one.fields.organisatie ~ "'" if one.fields.organisatie else 'null' }}, date '{{ one.peildatum }}'){{ ',' if not loop.last }}{% endfor %}
    ) as l (bestand, periode, organisatie, peildatum))
{% endmacro %}

{% macro share(part, of) %}case when {{ of }} = 0 then null
    else ((2 * {{ part }} * 1000000 + {{ of }}) // (2 * {{ of }})) * 0.0001 end{% endmacro %}

{% macro kept(source) %}
    {% if source == 'p7_ww' %}
    bestand, _row, persoon_id, 'bsn' as persoon_id_soort, volgnummer, herkomst_oud, leeftijdsklasse,
    gemeentecode, gemeentecode__ontbreekt, begindatum, einddatum, reden_einde,
    reden_einde__ontbreekt, diensten_werkverkenner, diensten_werkverkenner__ontbreekt,
    diensten_training, diensten_training__ontbreekt, diensten_bemiddeling,
    diensten_bemiddeling__ontbreekt
    {% else %}
    bestand, _row, persoon_id, 'gba_sleutel' as persoon_id_soort, baan_nr, geboortejaar,
    case when onderdeel is null or onderdeel_n >= 10 then onderdeel else '(zeldzaam)' end
        as onderdeel,
    salarisschaal, functieniveau, date_trunc('month', datum_in_dienst)::date as datum_in_dienst,
    (floor(uurloon / 5) * 5)::decimal(18,2) as uurloon, geboorteland, geboorteland__ontbreekt,
    geboorteland_moeder, geboorteland_moeder__ontbreekt, geboorteland_vader,
    geboorteland_vader__ontbreekt
    {% endif %}
{% endmacro %}
