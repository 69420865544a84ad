-- Comments on the tables and columns of schema work, where \d+ shows them.

comment on table work.worker is 'Every worker process, with its heartbeats.';
comment on column work.worker.id is 'River''s client id, as in attempted_by of River''s jobs.';
comment on column work.worker.dyno is 'The process''s name on the platform, as in worker.2.';
comment on column work.worker.index is 'The process''s number on the platform.';
comment on column work.worker.slots is 'How many jobs it may run at once.';
comment on column work.worker.rss_bytes is 'Its resident memory.';
comment on column work.worker.draining is 'An operator stopped it taking jobs; running ones finish. A trigger notifies the worker, which would otherwise learn it at its next heartbeat.';
comment on column work.worker.drained_at is 'Since when it has taken no jobs: the worker''s acknowledgement of draining.';
comment on column work.worker.lock_key is 'The session advisory lock that its connection holds.';
comment on column work.worker.locked is 'It holds that lock. Only then does a missing lock mean that it may be dead.';
comment on column work.worker.seen_at is 'Its last heartbeat, by the database''s clock.';
comment on column work.worker.stopped_at is 'When it stopped by itself, after handing back its jobs.';
comment on column work.worker.dead_at is 'When it was declared dead. A heartbeat clears it.';
comment on column work.worker.queues is 'The queues that it takes jobs from; empty means all.';
comment on column work.worker.kinds is 'The kinds of job that it takes; empty means all.';

comment on function work.sum(int[], int[]) is 'Adds two histograms, element by element.';
comment on table work.release is 'Every release that has run on this database, to mark on charts.';
comment on column work.release.first_seen_at is 'When its first process started.';

comment on table work.attempt is 'Every attempt of the last day, 500,000 at most: beyond that the oldest completed ones are deleted first. Processes write attempts in batches, so the newest may be missing for a second.';
comment on column work.attempt.attempt is 'The job''s count of attempts at the time. A snooze or hand-back lowers the count again, so the number may recur.';
comment on column work.attempt.outcome is 'completed, failed (will be retried), discarded (failed for good, or a poison pill), cancelled, snoozed, handed back (its worker stopped), held (its arguments could not be read) or lost (its worker died or never received it, or another attempt had taken the job).';
comment on column work.attempt.worker is 'The worker that ran it: work.worker.id.';
comment on column work.attempt.release is 'The release of that worker.';
comment on column work.attempt.request_id is 'The web request that caused the job.';
comment on column work.attempt.parent_id is 'The job that enqueued this one.';
comment on column work.attempt.due_at is 'When it was due: the latest of enqueued, scheduled and rescued. It waited from then until started_at.';
comment on column work.attempt.started_at is 'When it started, by the database''s clock.';
comment on column work.attempt.ended_at is 'started_at plus the run time that the worker measured.';
comment on column work.attempt.trace is 'The stack, if it panicked.';
comment on column work.attempt.fingerprint is 'The fingerprint of its error: work.error.';
comment on column work.attempt.steps is 'Its steps in the order of their start: [{"name": "…", "at_ms": 0.1, "ms": 2.5, "queries": 3, "sql_ms": 1.9}]. A query counts for the innermost step, and queries outside of all steps are in one named "outside of steps". Beyond 50 steps the rest are summed up in a last one, as in "7 more steps".';
comment on column work.attempt.code is 'Why the job system ended the attempt: worker_died, worker_stopped, not_received, unregistered or poison_pill, as jobs.attempt describes them. Null if the attempt ended by itself.';

comment on table work.minute is 'Attempts of the last 30 days, summed up by the minute in which they ended, queue and kind. A histogram has 26 counts: element 1 counts durations below 1 ms, element i those from 2^(i-2) to 2^(i-1) ms, and element 26 those of 2^24 ms (4 h 40 min) or more.';
comment on column work.minute.failed is 'Attempts that failed and will be retried.';
comment on column work.minute.handed_back is 'Attempts that a stopping worker handed back, that could not read the arguments or that were lost: not failures of the job.';
comment on column work.minute.wait is 'Histogram of the waits.';
comment on column work.minute.run is 'Histogram of the run times.';
comment on column work.minute.wait_s is 'The sum of the waits, in seconds.';
comment on column work.minute.run_s is 'The sum of the run times, in seconds.';

comment on table work.error is 'Every error by its fingerprint, which is made of the message without numbers, ids and the like.';
comment on column work.error.message is 'The message of the latest attempt that had the error.';
comment on column work.error.resolved_at is 'When an operator marked it as fixed. If it is seen after that, it has regressed.';
comment on column work.error.muted_at is 'When an operator muted it.';
comment on table work.error_hour is 'How many attempts had an error, by hour, kind and release, for 30 days.';

comment on table work.request is 'Web requests of the last day that enqueued jobs, 100,000 at most. When there are many, only some are written. A request whose transaction was rolled back is not written.';
comment on column work.request.id is 'The request''s id, as in the logs and the X-Request-Id header.';
comment on column work.request.route is 'The pattern of its route, as in /books/{id}/rating.';
comment on column work.request.process is 'The name of the process on the platform, as in web.1.';
comment on column work.request.jobs is 'The ids of the jobs that it enqueued.';
comment on column work.request.steps is 'Its steps, as in work.attempt.';
comment on column work.request.stands_for is 'How many similar requests this row stands for, including itself.';

comment on table work.schedule is 'Periodic jobs. Any process that finds a schedule due enqueues its job. A row may be inserted or changed by SQL: name, kind, spec and missed are enough. Within a second a process computes words and next_at.';
comment on column work.schedule.args is 'Arguments of its jobs. The type is json because unique keys are made of the exact text.';
comment on column work.schedule.opts is 'Options of its jobs: queue, priority, max_attempts, tags, unique {args, period, queue, states, exclude_kind}.';
comment on column work.schedule.spec is 'When it runs: five fields of cron, or an interval as in "every 10m".';
comment on column work.schedule.zone is 'The time zone of the cron fields, as in Europe/Berlin.';
comment on column work.schedule.words is 'spec and zone in words, as in "every day at 04:00 (Europe/Berlin)"; empty while dirty.';
comment on column work.schedule.missed is 'What to do about runs that were missed because no process was up: once (one run for all of them) or skip.';
comment on column work.schedule.next_at is 'When its next run is due.';
comment on column work.schedule.declared is 'What the program last declared; empty if it never did. A new declaration overrides changes made by SQL.';
comment on column work.schedule.retired_at is 'When a release first did not declare it.';
comment on column work.schedule.dirty is 'A process must compute words and next_at from spec and zone. A resumed schedule is dirty too: the runs of its pause were not missed.';
comment on column work.schedule.unchecked is 'A process must check whether kind, args and opts can be enqueued.';
comment on column work.schedule.broken is 'What is wrong with the row and what to write instead; null if nothing is wrong or no process has checked it.';

comment on table work.tick is 'Every run of a schedule, for 30 days. The primary key prevents a second run for the same time.';
comment on column work.tick.outcome is 'enqueued, duplicate (another job held the unique key) or skipped.';
comment on column work.tick.job_id is 'The job that was enqueued, or the one that held the unique key.';
comment on column work.tick.missed is 'How many earlier missed runs this one stands for.';
comment on column work.tick.at is 'When the run was recorded.';
comment on column work.tick.by is 'The process that recorded it.';

comment on table work.audit is 'Every act of schema jobs that changed something: one row for all jobs that it changed, or for each queue, worker or error.';
comment on column work.audit.at is 'The start of the transaction: a paused queue has the same time in paused_at.';
comment on column work.audit.role is 'The database role that acted. Unlike who, it cannot be forged.';
comment on column work.audit.xid is 'The transaction: acts with the same number were one transaction.';
comment on column work.audit.queue is 'The queue; * means all.';
comment on column work.audit.fingerprint is 'The fingerprint of an error.';
comment on column work.audit.before is 'The values that the act changed, before it.';
comment on column work.audit.after is 'The same values after it.';
comment on column work.audit.jobs is 'How many jobs the act changed; null in rows of an older release.';
comment on column work.audit.job_ids is 'The jobs, if there were several; a single one is in job_id.';
comment on column work.audit.undoes is 'The row of work.audit that this act undid.';
comment on column work.audit.undo_until is 'Until when the act can be undone; null if it cannot.';

comment on type work.image is 'What an act may change in a job, and what shows that the job has changed since. It contains no arguments and no metadata but cancel_attempted_at and snoozes.';
comment on table work.undo is 'Each job that an act changed, before and after the act. Rows are deleted once "until" has passed.';

comment on table work.kind is 'The kinds of job that processes have registered.';
comment on column work.kind.secrets is 'Keys in args and metadata whose values are not shown, in lower case.';
comment on column work.kind.opts is 'The options of its jobs, as in work.schedule.opts; unique may also have "keys".';
comment on column work.kind.release is 'The release that registered the kind last.';
