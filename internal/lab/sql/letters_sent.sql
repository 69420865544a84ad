-- What happened to the letters of each part: accepted by the mail server, and recorded together with their job's completion.
select part, count(*) filter (where what = 'sent') as sent, count(*) filter (where what = 'recorded') as recorded,
       count(*) filter (where what = 'sent') - count(distinct item) filter (where what = 'sent') as again,
       min(at) filter (where what = 'recorded') as first_at, max(at) filter (where what = 'recorded') as last_at
from lab_effect where run_id = @run group by part order by min(id)
