-- Adds to a row of work.minute. The arguments are named like the columns.
insert into work.minute as m (minute, queue, kind, completed, failed, discarded, cancelled, snoozed, handed_back,
    wait, run, wait_s, run_s)
values (@minute, @queue, @kind, @completed, @failed, @discarded, @cancelled, @snoozed, @handed_back, @wait, @run, @wait_s, @run_s)
on conflict (minute, queue, kind) do update set
    completed = m.completed + excluded.completed, failed = m.failed + excluded.failed,
    discarded = m.discarded + excluded.discarded, cancelled = m.cancelled + excluded.cancelled,
    snoozed = m.snoozed + excluded.snoozed, handed_back = m.handed_back + excluded.handed_back,
    wait = work.sum(m.wait, excluded.wait), run = work.sum(m.run, excluded.run),
    wait_s = m.wait_s + excluded.wait_s, run_s = m.run_s + excluded.run_s
