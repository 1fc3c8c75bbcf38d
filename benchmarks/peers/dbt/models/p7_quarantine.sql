{{ config(materialized='external', location=env_var('BENCH_OUT') ~ '/quarantine/p7_ww/data.parquet') }}
select {{ kept('p7_ww') }}, regels from {{ ref('p7_judged') }}
where is_geweigerd or len(regels) > 0 order by bestand, _row
