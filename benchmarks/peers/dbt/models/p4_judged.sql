{{ judged(ref('p4_typed'), 'persoon_id, baan_nr', 5, 'coalesce(avg(uurloon) not between 8 and 150, true)') }}
