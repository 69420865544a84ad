-- Registers a kind: jobs.enqueue refuses all others, and views hide its secrets. @kind, @secrets, @opts, @release; @schema of its args and
-- an @example of them, or null; @brief: whether its
-- jobs run in batches.
insert into work.kind (kind, secrets, opts, release, args_schema, args_example, brief) values (@kind, @secrets, @opts, @release, @schema, @example, @brief)
on conflict (kind) do update set secrets = excluded.secrets, opts = excluded.opts, release = excluded.release, seen_at = now(),
    args_schema = excluded.args_schema, args_example = excluded.args_example, brief = excluded.brief
