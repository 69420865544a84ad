-- What is too old is deleted each minute, and found by its time.

create index if not exists error_hour_hour on work.error_hour (hour);
create index if not exists tick_due on work.tick (due_at);
