-- Registers a kind: jobs.enqueue refuses all others, and views hide its secrets. @kind, @secrets, @opts, @release.
insert into work.kind (kind, secrets, opts, release) values (@kind, @secrets, @opts, @release)
on conflict (kind) do update set secrets = excluded.secrets, opts = excluded.opts, release = excluded.release, seen_at = now()
