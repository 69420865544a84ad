-- Appends an error to jobs that completed themselves, to which River's statement appends none. @ids, @notes: one error for each.
update river.river_job j set
    errors = case when array_ndims(j.errors) > 1 then array[v.note::jsonb] else array_append(j.errors, v.note::jsonb) end
from unnest(@ids::bigint[], @notes::text[]) as v (id, note)
where j.id = v.id and j.state = 'completed'
