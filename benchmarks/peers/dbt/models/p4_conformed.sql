{{ config(materialized='external', location=env_var('BENCH_OUT') ~ '/conformed/p4_barometer/data.parquet') }}
select {{ kept('p4_barometer') }} from {{ ref('p4_judged') }}
where not is_geweigerd and len(regels) = 0 order by bestand, _row
