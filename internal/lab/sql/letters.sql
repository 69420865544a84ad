-- The effects: both letters, and the list, which both requests make.
select 'letter, ' || split_part(key, ':', 3) as effect, state as how, coalesce(sent_at, created_at) as at
from message where key = any(@letters)
union all
select 'list of recommendations', basis, made_at from recommendation_run where reader_id = @reader
order by at
