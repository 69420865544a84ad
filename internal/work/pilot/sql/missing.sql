-- Finds the jobs of a batch that these attempts still hold although their outcomes were not stored. @ids, @attempts, @client: this
-- client.
select j.id, j.state::text
from unnest(@ids::bigint[], @attempts::int[]) as v (id, attempt)
join river.river_job j on j.id = v.id and j.attempt = v.attempt
where j.state in ('running', 'completed') and jobs.runner(j.attempted_by) = @client
