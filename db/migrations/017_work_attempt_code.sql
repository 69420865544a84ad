-- How the job system ended an attempt stands in a code. Until here only the text of the error said it.

alter table work.attempt add column code text;
comment on column work.attempt.outcome is 'completed, failed (tried again), discarded (failed for good, or a poison pill), cancelled, snoozed, handed back (the worker stopped), held (its arguments could not be read) or lost (its worker died or never received it, or another attempt had the job by then).';
comment on column work.attempt.code is 'Why the attempt was ended from outside: worker_died, worker_stopped, not_received, unregistered or poison_pill, as jobs.attempt describes them. Null where the attempt ended by itself.';

-- A rescuer of an older release writes the text alone. To be dropped, with its trigger, once no such release runs.
create function work.attempt_of_older_release() returns trigger language plpgsql as $$
begin
    new.code := case
        when new.outcome = 'discarded' and new.error like 'the worker % died while it ran this job alone: it is discarded as a poison pill' then 'poison_pill'
        when new.outcome in ('lost', 'cancelled') and new.error like 'the worker % died while it ran this job' then 'worker_died'
        when new.outcome in ('handed back', 'cancelled') and new.error like 'handed back by the worker % at its stop' then 'worker_stopped'
        when new.outcome in ('lost', 'cancelled') and new.error like 'the worker % was given this job and never got it' then 'not_received'
        when new.outcome in ('lost', 'cancelled') and new.error = 'no worker that is known has this job' then 'unregistered'
    end;
    return new;
end $$;
create trigger attempt_of_older_release before insert on work.attempt
    for each row when (new.code is null and new.outcome in ('lost', 'handed back', 'cancelled', 'discarded')) execute function work.attempt_of_older_release();
