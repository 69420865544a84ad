-- Removes all that the demo load has written: @kinds, @queues, @releases and @workers are its own. First what
-- enqueues further jobs. A paused queue would keep its row.
delete from work.schedule where kind = any (@kinds::text[]);
delete from river.river_job where kind = any (@kinds::text[]);
update river.river_queue set paused_at = null where name = any (@queues::text[]) and paused_at is not null;
delete from river.river_queue where name = any (@queues::text[]);
delete from work.attempt where kind = any (@kinds::text[]);
delete from work.minute where kind = any (@kinds::text[]);
delete from work.minute_release where kind = any (@kinds::text[]);
delete from work.error e where not exists (
    select from work.error_hour h where h.fingerprint = e.fingerprint and h.kind <> all (@kinds::text[]))
    and exists (select from work.error_hour h where h.fingerprint = e.fingerprint and h.kind = any (@kinds::text[]));
delete from work.error_hour where kind = any (@kinds::text[]);
delete from work.request where release = any (@releases::text[]) and route = '/orders';
delete from work.worker where release = any (@releases::text[]) and dyno = any (@workers::text[]);
delete from work.release r where r.name = any (@releases::text[]) and not exists (select from work.worker w where w.release = r.name);
delete from work.kind where kind = any (@kinds::text[]);
