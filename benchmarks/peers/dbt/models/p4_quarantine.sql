{{ config(materialized='external', location=env_var('BENCH_OUT') ~ '/quarantine/p4_barometer/data.parquet') }}
select {{ kept('p4_barometer') }}, regels from {{ ref('p4_judged') }}
where is_geweigerd or len(regels) > 0 order by bestand, _row
