{{ judged(ref('p7_typed'), 'persoon_id, volgnummer', 2, 'count(begindatum) < 0.95 * count(*)') }}
