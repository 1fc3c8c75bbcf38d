{{ config(materialized='external', location=env_var('BENCH_OUT') ~ '/outcomes/p4_barometer.parquet') }}
WITH groep AS (
    SELECT coalesce(organisatie, 'alle') AS locatie, periode,
        if(functieniveau IS NULL, 'totaal', 'functieniveau') AS groep_soort,
        coalesce(functieniveau, 'totaal') AS groep, count(*) AS rijen,
        count(DISTINCT persoon_id) AS mensen, count(*) FILTER (geboorteland IS NOT NULL
            AND geboorteland_moeder IS NOT NULL AND geboorteland_vader IS NOT NULL) AS bekend
    FROM {{ ref('p4_conformed') }} JOIN {{ levering() }} l USING (bestand)
    GROUP BY GROUPING SETS ((periode), (periode, functieniveau),
        (organisatie, periode), (organisatie, periode, functieniveau))
), lang AS (
    SELECT locatie, periode, groep_soort, groep, unnest([
        { 'maat': 'banen', 'n': rijen, 'teller': NULL},
        { 'maat': 'werknemers', 'n': mensen, 'teller': NULL},
        { 'maat': 'geboortelanden_bekend', 'n': rijen, 'teller': bekend}], recursive := true)
    FROM groep
)
SELECT locatie, periode, groep_soort, groep, maat, n, teller,
    CAST(CASE WHEN teller IS NULL THEN n ELSE {{ share('teller', 'n') }} END AS DECIMAL(18,4)) AS waarde
FROM lang ORDER BY ALL
