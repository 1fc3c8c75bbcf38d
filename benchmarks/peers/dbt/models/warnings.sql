{{ config(materialized='external', location=env_var('BENCH_OUT') ~ '/warnings.parquet') }}
select * from (
select bestand, unnest(['einddatum__met_reden', 'duur__gewoon']) as regel, unnest([
    count(*) filter (einddatum is not null and reden_einde is null
        and reden_einde__ontbreekt = 'leeg'),
    count(*) filter (date_diff('day', begindatum, einddatum) > 1157)]) as rijen
from {{ ref('p7_judged') }} group by bestand
union all
select bestand, unnest(['ouders__bekend', 'functieniveau__past_bij_schaal',
    'organisatie__minimaal_250']) as regel, unnest([
    count(*) filter (geboorteland_moeder is null and geboorteland_vader is null),
    count(*) filter (functieniveau = '5' and salarisschaal < 10),
    (count(*) < 250)::bigint]) as rijen
from {{ ref('p4_judged') }} group by bestand
) where rijen > 0
