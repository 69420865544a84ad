-- Writes a schedule's row as the program declares it, if the declaration has changed. An operator's changes stay until then; a pause
-- stays in any case. @name to @next_at: the row; @declared: the declaration as text, to be compared.
insert into work.schedule as s (name, kind, args, opts, spec, zone, words, missed, next_at, dirty, declared)
values (@name, @kind, @args, @opts, @spec, @zone, @words, @missed, @next_at, false, @declared)
on conflict (name) do update set
    kind = excluded.kind, args = excluded.args, opts = excluded.opts, missed = excluded.missed, declared = excluded.declared,
    spec = case when s.declared = excluded.declared then s.spec else excluded.spec end,
    zone = case when s.declared = excluded.declared then s.zone else excluded.zone end,
    next_at = case when s.spec <> excluded.spec or s.zone <> excluded.zone or s.retired_at is not null then excluded.next_at else s.next_at end,
    dirty = s.dirty or s.retired_at is not null, retired_at = null, updated_at = now()
where s.declared <> excluded.declared or s.retired_at is not null
