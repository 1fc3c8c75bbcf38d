{{ config(materialized='external', location=env_var('BENCH_OUT') ~ '/outcomes/p7_ww.parquet') }}
WITH wat AS (
    SELECT periode, coalesce(leeftijdsklasse, 'onbekend') AS leeftijdsklasse,
        coalesce(herkomst_oud, 'onbekend') AS herkomst_oud,
        CASE WHEN diensten_training THEN 'ja' WHEN NOT diensten_training THEN 'nee'
            ELSE 'onbekend' END AS diensten_training,
        CASE WHEN diensten_bemiddeling THEN 'ja' WHEN NOT diensten_bemiddeling THEN 'nee'
            ELSE 'onbekend' END AS diensten_bemiddeling,
        einddatum IS NOT NULL AND einddatum < begindatum + INTERVAL 6 MONTH
            AND reden_einde = 'werk' AS werk,
        date_diff('day', begindatum, einddatum) + 1 AS duur, einddatum IS NULL AS loopt
    FROM {{ ref('p7_conformed') }} JOIN {{ levering() }} l USING (bestand)
), groep AS (
    SELECT periode,
        concat_ws('×', CASE WHEN leeftijdsklasse IS NOT NULL THEN 'leeftijdsklasse' END,
            CASE WHEN diensten_training IS NOT NULL THEN 'diensten_training' END,
            CASE WHEN diensten_bemiddeling IS NOT NULL THEN 'diensten_bemiddeling' END,
            CASE WHEN herkomst_oud IS NOT NULL THEN 'herkomst_oud' END) AS groep_soort,
        concat_ws('×', leeftijdsklasse, diensten_training, diensten_bemiddeling, herkomst_oud)
            AS groep,
        count(*) AS rijen, count(werk) AS werk_n, count(*) FILTER (werk) AS werk_s,
        count(duur) AS duur_n, sum(duur)::BIGINT AS duur_s, count(*) FILTER (loopt) AS loopt_s
    FROM wat GROUP BY GROUPING SETS ((periode), (periode, herkomst_oud),
        (periode, leeftijdsklasse, herkomst_oud), (periode, diensten_training, herkomst_oud),
        (periode, diensten_bemiddeling, herkomst_oud))
), lang AS (
    SELECT periode, groep_soort, groep, unnest([
        { 'maat': 'ww_perioden', 'n': rijen, 'teller': NULL, 'som': NULL},
        { 'maat': 'werk_binnen_6_maanden', 'n': werk_n, 'teller': werk_s, 'som': NULL},
        { 'maat': 'duur_afgesloten', 'n': duur_n, 'teller': NULL, 'som': duur_s},
        { 'maat': 'nog_lopend', 'n': rijen, 'teller': loopt_s, 'som': NULL}], recursive := true)
    FROM groep
)
SELECT 'alle' AS locatie, periode, coalesce(nullif(groep_soort, ''), 'totaal') AS groep_soort,
    coalesce(nullif(groep, ''), 'totaal') AS groep, maat, n, teller,
    CAST(CASE WHEN maat = 'ww_perioden' THEN n
        WHEN maat = 'duur_afgesloten' THEN
            CASE WHEN n = 0 THEN NULL ELSE ((2 * som * 10000 + n) // (2 * n)) * 0.0001 END
        ELSE {{ share('teller', 'n') }} END AS DECIMAL(18,4)) AS waarde
FROM lang ORDER BY ALL
