-- A schedule that is due at no time would be looked at by nobody, and how long to wait for it could not be said.

update work.schedule set words = '', next_at = now() where not isfinite(next_at);
alter table work.schedule drop constraint if exists schedule_next_finite;
alter table work.schedule add constraint schedule_next_finite check (isfinite(next_at));
