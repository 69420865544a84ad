-- Adds to a row of work.minute_release. The arguments are named like the columns. Only four releases have a row of their own; the others
-- share one, or a release for each process would make a row for each process. Several that come at once may exceed four.
insert into work.minute_release as m (minute, queue, kind, release, completed, failed, discarded, cancelled, snoozed, handed_back,
    judged, late, wait, run, wait_s, run_s)
select @minute, @queue, @kind, case when known.others < 4 then @release else 'others' end,
    @completed, @failed, @discarded, @cancelled, @snoozed, @handed_back, @judged, @late, @wait, @run, @wait_s, @run_s
from (select count(*) filter (where release <> @release and release <> 'others')
             - case when bool_or(release = @release) then 4 else 0 end as others
      from work.minute_release where minute = @minute and queue = @queue and kind = @kind) known
on conflict (minute, queue, kind, release) do update set
    completed = m.completed + excluded.completed, failed = m.failed + excluded.failed,
    discarded = m.discarded + excluded.discarded, cancelled = m.cancelled + excluded.cancelled,
    snoozed = m.snoozed + excluded.snoozed, handed_back = m.handed_back + excluded.handed_back,
    judged = m.judged + excluded.judged, late = m.late + excluded.late,
    wait = work.sum(m.wait, excluded.wait), run = work.sum(m.run, excluded.run),
    wait_s = m.wait_s + excluded.wait_s, run_s = m.run_s + excluded.run_s
