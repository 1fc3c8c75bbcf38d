{{ config(materialized='external', location=env_var('BENCH_OUT') ~ '/conformed/p7_ww/data.parquet') }}
select {{ kept('p7_ww') }} from {{ ref('p7_judged') }}
where not is_geweigerd and len(regels) = 0 order by bestand, _row
